/**
 * The agent's own pod, as the chart renders it: the code of real API servers takes it, our own selection and sanitizer
 * make a copy of it, and the code of real kubelets would run that copy.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { sanitize } from '../../src/core/copy/sanitize.ts';
import { field, fieldAt, objectsIn } from '../../src/core/model/json.ts';
import { ANNOTATION_ATTEMPT, ANNOTATION_REVISION, copyFullName } from '../../src/core/model/keys.ts';
import { encodeManifest, resolveRevisionDir, sha256, withAnnotations } from '../../src/core/model/manifest.ts';
import type { CapturedFile, Json, RawPod } from '../../src/core/model/model.ts';
import { select } from '../../src/core/select/select.ts';
import { createOracle } from '../e2e/oracle/oracle.ts';
import { lost } from '../e2e/oracle/properties.ts';
import { createHelm, only } from './helm.ts';
import { matrix } from './values.ts';

const NODE = 'node1';
const helm = createHelm(inject('helm'));
const work = mkdtempSync(join(tmpdir(), 'podckpt-chart-'));
afterAll(() => {
  helm.close();
  rmSync(work, { recursive: true, force: true });
});

const file = (path: string): CapturedFile => ({ path, mode: 0o644, uid: 0, gid: 0, content: new TextEncoder().encode(path) });
const FILES = { config: [file('config.yaml')], 'api-access': [file('token'), file('ca.crt'), file('namespace')] };

/** The pod that the DaemonSet controller would make of the template. */
function podOf(daemonSet: Json, features: { readonly bound: boolean }): Json {
  const template = fieldAt(daemonSet, 'spec', 'template') as Json;
  const metadata = { ...(field(template, 'metadata') as Json), name: 'pod-checkpointer-abcde', namespace: 'kube-system', uid: 'u1' };
  // the priority of a class is filled in by admission, which is not asked here
  const { priorityClassName: _, ...spec } = field(template, 'spec') as Json;
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: { ...spec, ...(features.bound ? { nodeName: NODE } : {}) } };
}

describe.each(['1.34', '1.37'] as const)('Kubernetes %s', (line) => {
  const oracle = createOracle(inject('oracles')[line], work);

  it.each(Object.entries(matrix))('takes the pod with %s, and knows every field of it', async (_, values) => {
    const pod = podOf(only(await helm.objects(values), 'DaemonSet'), { bound: true });
    const [stored] = await oracle.store([pod], 'default');
    expect(stored).not.toHaveProperty('problem');
    const kept = stored !== undefined && 'pod' in stored ? stored.pod : {};
    expect(lost(field(pod, 'spec'), field(kept, 'spec'), 'spec')).toEqual([]);
  });

  it.each(Object.entries(matrix))("takes the uninstall's pods with %s, and knows every field of them", async (_, values) => {
    const made = (await helm.hooks(values)).filter(({ kind }) => kind === 'DaemonSet' || kind === 'Job');
    const pods = made.map((object) => podOf(object, { bound: true }));
    const stored = await oracle.store(pods, 'default');
    expect(stored).toHaveLength(3);
    for (const [index, pod] of pods.entries()) {
      expect(stored[index]).not.toHaveProperty('problem');
      expect(lost(field(pod, 'spec'), fieldAt(stored[index], 'pod', 'spec'), 'spec')).toEqual([]);
    }
  });

  it('would refuse it if it were wrong', async () => {
    const pod = podOf(only(await helm.objects(), 'DaemonSet'), { bound: true });
    const wrong = { ...pod, spec: { ...(field(pod, 'spec') as Json), dnsPolicy: 'Nowhere' } };
    expect(await oracle.store([wrong], 'default')).toEqual([{ problem: expect.stringContaining('dnsPolicy') }]);
    const unknown = { ...(field(pod, 'spec') as Json), hostNetworks: true };
    const [stored] = await oracle.store([{ ...pod, spec: unknown }], 'default');
    expect(lost(unknown, fieldAt(stored, 'pod', 'spec'), 'spec')).toEqual(['spec.hostNetworks']);
  });

  it.each(Object.entries(matrix))('lets a copy of it run, with %s', async (_, values) => {
    const objects = await helm.objects(values);
    const [stored] = await oracle.store([podOf(only(objects, 'DaemonSet'), { bound: true })], 'default');
    const pod = fieldAt(stored, 'pod') as unknown as RawPod;
    const selection = select(pod, { namespaces: ['kube-system'], nodeName: NODE });
    expect(selection.kind === 'refused' ? selection.reasons : []).toEqual([]);
    if (selection.kind !== 'taken') throw new Error('the agent does not keep itself');

    const env = objectsIn(objectsIn(field(pod, 'spec'), 'containers')[0], 'env').map(({ name }) => ({ name: String(name), value: 'x' }));
    const agent = { env, image: 'localhost/pod-checkpointer:0.1.0', imageRef: '', imagePinnable: false };
    const target = { nodeName: NODE, kubeletMinor: Number(line.slice(2)) };
    const result = sanitize(pod, { volumes: FILES, containers: { agent } }, target, selection.options);
    expect(result.ok ? [] : result.reasons).toEqual([]);
    if (!result.ok) return;
    expect(objectsIn(fieldAt(result.manifest, 'spec'), 'containers')[0]).not.toHaveProperty('ports');

    const placed = resolveRevisionDir(result.manifest, '/var/lib/pod-checkpointer/checkpoints/k/revisions/r');
    const text = encodeManifest(withAnnotations(placed, { [ANNOTATION_REVISION]: sha256('r'), [ANNOTATION_ATTEMPT]: '1' }));
    const { accepted, problems } = await oracle.judge([{ name: 'agent.json', text }], NODE);
    expect([...problems]).toEqual([]);
    expect([...accepted.keys()]).toEqual([`kube-system/${copyFullName(String(fieldAt(placed, 'metadata', 'name')), NODE)}`]);
  });
});
