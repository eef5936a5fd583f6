/** What the kubelet's pull records mean for a copy, which has no credentials: kubelet's rules, row by row. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_PULL_POLICY, type PullPolicy } from '../../../src/core/kubelet/kubelet-config.ts';
import { type FoundPullRecord, judgePull, parsePullRecord } from '../../../src/core/kubelet/pull-records.ts';

const ID = `sha256:${'1'.repeat(64)}`;
const IMAGE = `registry.example/team/app@sha256:${'2'.repeat(64)}`;
const NAME = 'registry.example/team/app';
const NODE = '"nodePodsAccessible":true';
const SECRET = '"kubernetesSecrets":[{"uid":"u","namespace":"shop","name":"login","credentialHash":"0123"}]';
const ACCOUNT = '"kubernetesServiceAccounts":[{"uid":"u","namespace":"shop","name":"puller"}]';

/** As the kubelet writes it: one line, no spaces. */
function text(mapping: Readonly<Record<string, string>>, imageRef = ID, version = 'v1beta1'): string {
  const entries = Object.entries(mapping).map(([name, body]) => `"${name}":{${body}}`);
  const all = entries.length === 0 ? '' : `,"credentialMapping":{${entries.join(',')}}`;
  return `{"kind":"ImagePulledRecord","apiVersion":"kubelet.config.k8s.io/${version}","lastUpdatedTime":"2026-11-21T08:00:00Z","imageRef":"${imageRef}"${all}}\n`;
}
function record(mapping: Readonly<Record<string, string>>, imageRef?: string): FoundPullRecord {
  return parsePullRecord(text(mapping, imageRef)) ?? 'none';
}
const policy = (change: Partial<PullPolicy>): PullPolicy => ({ ...DEFAULT_PULL_POLICY, ...change });
const verdict = (found: FoundPullRecord, change: Partial<PullPolicy> = {}, image = IMAGE): string => {
  const judged = judgePull(image, ID, found, policy(change));
  return judged.kind === 'denied' ? judged.cause : judged.kind;
};

describe('a record', () => {
  it.each(['v1alpha1', 'v1beta1'])('of version %s is understood', (version) => {
    expect(parsePullRecord(text({ [NAME]: SECRET }, ID, version))).toEqual({
      imageRef: ID,
      credentials: { [NAME]: { nodePodsAccessible: false, secrets: 1, serviceAccounts: 0 } },
    });
  });

  it.each(['', '{', '[]', '{"kind":"ImagePullIntent","image":"app"}', '{"kind":"ImagePulledRecord"}'])('is not %j', (other) => {
    expect(parsePullRecord(other)).toBeUndefined();
  });
});

describe("with the kubelet's default policy", () => {
  it.each<[string, FoundPullRecord, string]>([
    ['a kubelet that keeps no records', 'off', 'usable'],
    ['an image loaded beforehand', 'none', 'usable'],
    ['a record of another image', record({ [NAME]: SECRET }, 'sha256:other'), 'usable'],
    ['pulled without credentials, or with those of the node', record({ [NAME]: NODE }), 'usable'],
    ['pulled with a pull secret', record({ [NAME]: SECRET }), 'pull-secret'],
    ['pulled with a service account', record({ [NAME]: ACCOUNT }), 'service-account'],
    ['pulled with both', record({ [NAME]: `${SECRET},${ACCOUNT}` }), 'pull-secret'],
    ['pulled under another name, by anybody', record({ 'mirror.example/app': NODE }), 'other-name'],
    ['pulled, and nobody knows how', record({}), 'other-name'],
    ['pulled with nothing noted', record({ [NAME]: '' }), 'unknown-credentials'],
    ['a name that only an object has', record({ toString: NODE }), 'other-name'],
  ])('%s', (_, found, expected) => {
    expect(verdict(found)).toBe(expected);
  });

  it('a tag or a digest does not matter', () => {
    for (const image of [NAME, `${NAME}:1`, `${NAME}:1@sha256:${'2'.repeat(64)}`]) {
      expect(verdict(record({ [NAME]: NODE }), {}, image)).toBe('usable');
      expect(verdict(record({ [NAME]: SECRET }), {}, image)).toBe('pull-secret');
    }
  });
});

describe('with another policy', () => {
  const secret = record({ [NAME]: SECRET });
  it.each<[string, FoundPullRecord, Partial<PullPolicy>, string]>([
    ['nothing is ever checked', secret, { mode: 'NeverVerify' }, 'usable'],
    ['the feature is switched off', secret, { gate: false }, 'usable'],
    ['the feature is switched on', secret, { gate: true }, 'pull-secret'],
    ['an image that is listed', secret, { mode: 'NeverVerifyAllowlistedImages', allowlist: [NAME] }, 'usable'],
    [
      'an image below a path that is listed',
      secret,
      { mode: 'NeverVerifyAllowlistedImages', allowlist: ['registry.example/team/*'] },
      'usable',
    ],
    [
      'an image beside that path',
      secret,
      { mode: 'NeverVerifyAllowlistedImages', allowlist: ['registry.example/team/app2'] },
      'pull-secret',
    ],
    ['a prefix is no path', secret, { mode: 'NeverVerifyAllowlistedImages', allowlist: ['registry.example/te'] }, 'pull-secret'],
    ['an unlisted image loaded beforehand', 'none', { mode: 'NeverVerifyAllowlistedImages' }, 'policy'],
    ['everything is checked, even what was loaded', 'none', { mode: 'AlwaysVerify' }, 'policy'],
    ['everything is checked, and anybody may use it', record({ [NAME]: NODE }), { mode: 'AlwaysVerify' }, 'usable'],
    ['everything is checked, but no records are kept', 'off', { mode: 'AlwaysVerify' }, 'usable'],
  ])('%s', (_, found, change, expected) => {
    expect(verdict(found, change)).toBe(expected);
  });
});

it('says which image, why, and every remedy; never the name of a secret', () => {
  const judged = judgePull(IMAGE, ID, record({ [NAME]: SECRET }), DEFAULT_PULL_POLICY);
  const message = judged.kind === 'denied' ? judged.message : '';

  for (const part of [IMAGE, 'pull secret', 'credentials for the registry', 'beforehand', 'imagePullCredentialsVerificationPolicy'])
    expect(message).toContain(part);
  expect(message).toContain(`${NAME} in preloadedImagesVerificationAllowlist`);
  expect(message).not.toMatch(/login|0123/);
});
