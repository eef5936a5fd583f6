/** The uninstall's contract against the node's kube-apiserver, as the cluster's administrator. */
import { type UninstallStage, uninstallContract } from '../../contracts/uninstall-contract.ts';
import { accessBy, strangersKubeconfig } from './access.ts';
import { createAdmin, loadSubject, NAMESPACE, quietPod, type Subject } from './subject.ts';

async function realServer(subject: Subject): Promise<UninstallStage> {
  const admin = createAdmin(subject);
  return {
    access: await accessBy(subject.paths.adminKubeconfig),
    strangerAccess: await accessBy(strangersKubeconfig(subject)),
    namespace: NAMESPACE,
    nodeName: subject.nodeName,
    create: admin.create,
    read: admin.read,
    remove: admin.remove,
    podSpec: quietPod(subject.nodeName),
    dispose: async () => undefined,
  };
}

const subject = loadSubject();
uninstallContract(`kube-apiserver ${subject.kubernetes}`, () => realServer(subject));
