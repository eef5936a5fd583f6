/** The Kubernetes API contract against the node's kube-apiserver, with the agent's own account. */
import { type KubernetesStage, kubernetesContract } from '../../contracts/kubernetes-contract.ts';
import { accessBy, strangersKubeconfig } from './access.ts';
import { createAdmin, doer, loadSubject, NAMESPACE, quietPod, type Subject } from './subject.ts';

async function realServer(subject: Subject): Promise<KubernetesStage> {
  const act = doer(subject);
  const admin = createAdmin(subject);
  return {
    access: await accessBy(subject.paths.agentKubeconfig),
    strangerAccess: await accessBy(strangersKubeconfig(subject)),
    nodeName: subject.nodeName,
    namespace: NAMESPACE,
    keepsUnknownFields: false,
    create: (name, { nodeName = subject.nodeName, unknownField } = {}) =>
      admin.createPod(name, { ...quietPod(nodeName), ...(unknownField === undefined ? {} : { fieldOfTheFuture: unknownField }) }),
    label: (name, key, value) => admin.labelPod(name, key, value),
    remove: (name) => admin.deletePod(name, 'at-once'),
    stop: () => act('api/kill'),
    start: () => act('api/start'),
    dispose: () => act('api/start'),
  };
}

const subject = loadSubject();
kubernetesContract(`kube-apiserver ${subject.kubernetes}`, () => realServer(subject));
