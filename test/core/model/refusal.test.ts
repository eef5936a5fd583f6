/** Every reason for a refusal can occur: one pod, or one node, for each. A code without a producer would be a promise in the reference only. */
import { afterEach, describe, expect, it } from 'vitest';
import { judgeApiReferences } from '../../../src/core/copy/api-references.ts';
import type { CaptureInputs, SanitizeTarget } from '../../../src/core/copy/sanitize.ts';
import type { Json, RawPod } from '../../../src/core/model/model.ts';
import { REFUSAL_CODES, type RefusalCode } from '../../../src/core/model/refusal.ts';
import { type PodOptions, select } from '../../../src/core/select/select.ts';
import { aHostPod } from '../../fakes/builders.ts';
import { createWorld, type World } from '../../fakes/world.ts';
import { codes, container, OPTIONS, run, TARGET, tinyPod } from '../pods.ts';

type Codes = () => readonly string[] | Promise<readonly string[]>;

let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

/** The selection's judgement of a small pod with this metadata, annotations, spec and status. */
function selected(change: { metadata?: Json; annotations?: Json; spec?: Json; status?: Json }): Codes {
  const tiny = tinyPod(change.spec);
  const metadata = { ...tiny.metadata, ...change.metadata, annotations: { ...tiny.metadata?.annotations, ...change.annotations } };
  const result = select({ ...tiny, metadata, status: change.status } as RawPod, { namespaces: ['kube-system'], nodeName: 'node-1' });
  return () => (result.kind === 'refused' ? result.reasons.map((reason) => reason.code) : []);
}

/** The sanitizer's. */
function sanitized(pod: RawPod, target: SanitizeTarget = TARGET, options: PodOptions = OPTIONS, inputs?: CaptureInputs): Codes {
  return () => codes(run(pod, options, target, inputs));
}
const withVolume = (source: Json, mount?: Json): RawPod =>
  tinyPod({ volumes: [{ name: 'v', ...source }] }, mount === undefined ? {} : { volumeMounts: [{ name: 'v', mountPath: '/v', ...mount }] });
const withEnv = (...env: readonly Json[]): RawPod => tinyPod({}, { env });
const got = (env: Readonly<Record<string, string>>): CaptureInputs => ({ volumes: {}, containers: { main: container(env) } });
const secretEnv = withEnv({ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } });
const configEnv = withEnv({ name: 'A', valueFrom: { configMapKeyRef: { name: 'c', key: 'k' } } });
const annotated = (big: string): RawPod => ({ ...tinyPod(), metadata: { ...tinyPod().metadata, annotations: { big } } }) as RawPod;

const PROVOKED: Readonly<Record<RefusalCode, Codes>> = {
  malformed: sanitized(tinyPod({ containers: [] })),
  'unknown-key': selected({ annotations: { 'checkpointer/secretenv': 'inline' } }),
  'bad-value': selected({ annotations: { 'checkpointer/order': 'first' } }),
  'namespace-not-honoured': selected({ metadata: { namespace: 'other' } }),
  'mirror-pod': selected({ annotations: { 'kubernetes.io/config.mirror': 'x' } }),
  'static-pod': selected({ annotations: { 'kubernetes.io/config.source': 'file' } }),
  'own-copy': selected({ annotations: { 'checkpointer/copy-of': 'a/b' }, metadata: { labels: { 'checkpointer/copy': 'true' } } }),
  terminating: selected({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }),
  finished: selected({ status: { phase: 'Succeeded' } }),
  job: selected({ metadata: { ownerReferences: [{ kind: 'Job' }] } }),
  'stateful-set': selected({ metadata: { ownerReferences: [{ kind: 'StatefulSet' }] } }),
  'restart-policy': selected({ spec: { restartPolicy: 'Never' } }),
  'runtime-class': selected({ spec: { runtimeClassName: 'gvisor' } }),
  'unknown-field': sanitized(tinyPod({ tomorrow: true })),
  'needs-newer-kubelet': sanitized(withVolume({ image: { reference: 'x' } }), { nodeName: 'node-1' }),
  hostname: () =>
    codes(run({ ...tinyPod({ subdomain: 's', setHostnameAsFQDN: true }), metadata: { name: 'a.b', namespace: 'x' } } as RawPod)),
  'name-too-long': sanitized(tinyPod(), { nodeName: 'n'.repeat(240) }),
  'annotations-too-large': sanitized(annotated('x'.repeat(256 * 1024 - 100))),
  'reserved-text': sanitized(tinyPod({}, { args: ['@revision@'] })),
  'active-deadline': sanitized(tinyPod({ activeDeadlineSeconds: 5 })),
  'resource-claim': sanitized(tinyPod({ resourceClaims: [{ name: 'gpu' }] })),
  'extended-resource': sanitized(tinyPod({}, { resources: { limits: { 'example.com/gpu': '1' } } })),
  windows: sanitized(tinyPod({ os: { name: 'windows' } })),
  'host-users': sanitized(tinyPod({ hostNetwork: true, hostUsers: false })),
  'ip-notation': sanitized(tinyPod({ dnsConfig: { nameservers: ['192.0.02.53'] } })),
  'named-port': sanitized(tinyPod({ hostNetwork: true }, { livenessProbe: { tcpSocket: { port: 'nowhere' } } })),
  'persistent-volume': sanitized(withVolume({ persistentVolumeClaim: { claimName: 'c' } })),
  'csi-volume': sanitized(withVolume({ csi: { driver: 'd' } })),
  'attached-volume': sanitized(withVolume({ iscsi: {} })),
  'api-volume': sanitized(withVolume({ azureFile: {} })),
  'git-repo-volume': sanitized(withVolume({ gitRepo: {} })),
  'pod-certificate': sanitized(withVolume({ projected: { sources: [{ podCertificate: {} }] } })),
  'block-device': sanitized(tinyPod({}, { volumeDevices: [{ name: 'v', devicePath: '/dev/x' }] })),
  'volume-not-captured': sanitized(withVolume({ secret: { secretName: 's' } }), TARGET, OPTIONS, { volumes: {}, containers: {} }),
  'sub-path-missing': sanitized(withVolume({ secret: { secretName: 's' } }, { subPath: 'gone' })),
  'secret-env': sanitized(secretEnv, TARGET, OPTIONS, got({ A: 'x' })),
  'secret-env-file': sanitized(secretEnv, TARGET, { ...OPTIONS, secretEnv: 'env-file' }, got({ A: 'x' })),
  'env-not-captured': sanitized(configEnv, TARGET, OPTIONS, got({})),
  'env-name': sanitized(withEnv({ name: 'a=b', value: '' })),
  'env-value': sanitized(configEnv, TARGET, OPTIONS, got({ A: '\ufffd' })),
  'field-reference': sanitized(withEnv({ name: 'A', valueFrom: { fieldRef: { fieldPath: 'status.tomorrow' } } })),
  'internal-api-reference': () => judgeApiReferences({ spec: { serviceAccountName: 'x' } }).map((reason) => reason.code),
  limit: () => refusedByAgent(createWorld({ limits: { checkpoints: 0, bytesPerPod: 1, bytesTotal: 1 } }), aHostPod()),
  'capture-failed': () => {
    const pod = aHostPod();
    const volumeMounts = [{ name: 'never-written', mountPath: '/v' }];
    const containers = (pod.spec?.containers ?? []).map((main) => ({ ...main, volumeMounts }));
    const volumes = [{ name: 'never-written', secret: { secretName: 's' } }];
    return refusedByAgent(createWorld(), { ...pod, spec: { ...pod.spec, containers, volumes } });
  },
};

async function refusedByAgent(created: World, pod: RawPod): Promise<readonly string[]> {
  world = created;
  world.api.pods.set('u1', pod);
  world.start();
  await world.clock.run(180_000);
  return world.agent.status().refused.flatMap(({ reasons }) => reasons.map(({ code }) => code));
}

describe('a refusal', () => {
  it.each(REFUSAL_CODES.map((code) => [code] as const))('can be %s', async (code) => {
    expect(await PROVOKED[code]?.()).toContain(code);
  });
});
