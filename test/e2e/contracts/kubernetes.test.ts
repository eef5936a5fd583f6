/** The Kubernetes API contract against the node's kube-apiserver, with the agent's own account. */
import { readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadApiAccess } from '../../../src/adapters/kubernetes/index.ts';
import { realClock } from '../../adapters/kubernetes/rig.ts';
import { type KubernetesStage, kubernetesContract } from '../../contracts/kubernetes-contract.ts';
import { createAdmin, doer, loadSubject, NAMESPACE, quietPod, type Subject } from './subject.ts';

function accessBy(kubeconfig: string) {
  return loadApiAccess({
    kubeconfig,
    apiEndpoints: [],
    inCluster: { tokenFile: '', caFile: '' },
    readFile: (path) => readFile(path, 'utf8'),
    clock: realClock,
  });
}

/** The agent's kubeconfig with a token that nobody gave out. */
function strangersKubeconfig({ paths }: Subject): string {
  const config = JSON.parse(readFileSync(paths.agentKubeconfig, 'utf8')) as { users: { user: unknown }[] };
  const users = config.users.map((entry) => ({ ...entry, user: { token: 'nobody' } }));
  const file = join(paths.run, 'stranger.kubeconfig');
  writeFileSync(file, JSON.stringify({ ...config, users }), { mode: 0o600 });
  return file;
}

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
