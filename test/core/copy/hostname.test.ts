/** The copy is called as its parent inside: held against the kubelet's own rule, written down here once more. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SanitizeTarget } from '../../../src/core/copy/sanitize.ts';
import { field, textField } from '../../../src/core/model/json.ts';
import { copyFullName } from '../../../src/core/model/keys.ts';
import type { Json, RawPod } from '../../../src/core/model/model.ts';
import { accepted, codes, copiedSpec, OPTIONS, run, TARGET, tinyPod } from '../pods.ts';

const OLD: SanitizeTarget = { nodeName: 'node-1', kubeletMinor: 34 };
const UNKNOWN: SanitizeTarget = { nodeName: 'node-1' };
const LONG = `api.${'a'.repeat(58)}.b`;

const named = (name: string, spec: Json = {}): RawPod =>
  ({ ...tinyPod(spec), metadata: { name, namespace: 'x', uid: 'u-1' } }) as unknown as RawPod;

/** pkg/kubelet/kubelet_pods.go, GeneratePodHostNameAndDomain and truncatePodHostnameIfNeeded, from 1.35 on. */
function kubeletHostname(podName: string, spec: Json): string {
  const cut = (name: string) => (name.length > 63 ? name.slice(0, 63).replace(/[-.]+$/, '') : name);
  const override = textField(spec, 'hostnameOverride');
  if (override !== undefined) return cut(override);
  const host = cut(textField(spec, 'hostname') || podName);
  const domain = textField(spec, 'subdomain') ? `.${textField(spec, 'subdomain')}.x.svc.cluster.local` : '';
  return domain !== '' && field(spec, 'setHostnameAsFQDN') === true ? host + domain : host;
}

function insideCopy(pod: RawPod, target: SanitizeTarget = TARGET): string {
  const result = run(pod, OPTIONS, target);
  const name = textField(accepted(result).manifest['metadata'], 'name') ?? '';
  return kubeletHostname(copyFullName(name, target.nodeName), copiedSpec(result));
}

describe('a name with a dot', () => {
  it.each([
    ['a short one', 'kube.proxy-x2x9k', {}],
    ['one of 62 characters', `a.${'b'.repeat(60)}`, {}],
    ['one of 63 characters', `a.${'b'.repeat(61)}`, {}],
    ['one that is cut at a dot', `a.${'b'.repeat(60)}.c`, {}],
    ['one that has its dot later', `${'b'.repeat(70)}.c`, {}],
    ['beside a subdomain', 'kube.proxy', { subdomain: 'sub' }],
    ['that asks for its full name and has no domain', 'kube.proxy', { setHostnameAsFQDN: true }],
  ])('is kept inside the copy: %s', (_, name, spec) => {
    const pod = named(name, spec);
    expect(insideCopy(pod)).toBe(kubeletHostname(name, pod.spec as unknown as Json));
  });

  it('is written as an override, because a hostname must be a label', () => {
    const spec = copiedSpec(run(named('kube.proxy')));
    expect(spec['hostnameOverride']).toBe('kube.proxy');
    expect(spec).not.toHaveProperty('hostname');
  });

  it('leaves no request for the full name beside the override, which the kubelet would refuse', () => {
    const result = run(named('kube.proxy', { setHostnameAsFQDN: true }));
    expect(copiedSpec(result)).toMatchObject({ setHostnameAsFQDN: false, hostnameOverride: 'kube.proxy' });
  });

  it('needs no override where the kubelet cuts both names to the same', () => {
    const spec = copiedSpec(run(named(LONG), OPTIONS, OLD));
    expect(spec).not.toHaveProperty('hostnameOverride');
    expect(spec).not.toHaveProperty('hostname');
    expect(insideCopy(named(LONG), OLD)).toBe(LONG.slice(0, 62));
  });

  it('says so in the record, and that the name with the subdomain is gone', () => {
    expect(accepted(run(named('kube.proxy'))).changes).toContainEqual(expect.stringMatching(/^spec\.hostnameOverride: added/));
    expect(accepted(run(named('kube.proxy', { subdomain: 'sub' }))).changes.join()).toContain('subdomain');
  });

  it.each([
    ['an old kubelet', OLD],
    ['one of unknown version', UNKNOWN],
  ])('is refused for %s, which would pass over the override', (_, target) => {
    expect(codes(run(named('kube.proxy'), OPTIONS, target))).toEqual(['needs-newer-kubelet']);
    const result = run(named('kube.proxy'), OPTIONS, target);
    expect(result.ok ? '' : result.reasons[0]?.message).toMatch(/^metadata\.name .*spec\.hostname/);
  });

  it('is refused where the hostname is the full name with a subdomain, which no override can hold', () => {
    expect(codes(run(named('kube.proxy', { subdomain: 'sub', setHostnameAsFQDN: true })))).toEqual(['hostname']);
  });

  it.each([
    ['with a hostname of its own', { hostname: 'web' }],
    ['with an override of its own', { hostnameOverride: 'web.example.com' }],
    ['on the host network', { hostNetwork: true }],
  ])('is no matter for a pod %s', (_, spec) => {
    expect(codes(run(named('kube.proxy', spec), OPTIONS, OLD))).toEqual([]);
    const { hostname, hostnameOverride } = copiedSpec(run(named('kube.proxy', spec)));
    expect({ hostname, hostnameOverride }).toEqual({ hostname: undefined, hostnameOverride: undefined, ...withoutNetwork(spec) });
  });
});

function withoutNetwork({ hostNetwork: _, ...rest }: Json): Json {
  return rest;
}

describe('whatever the name is', () => {
  const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$/);
  const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) =>
    labels
      .join('.')
      .slice(0, 200)
      .replace(/[-.]+$/, ''),
  );
  const spec = fc.record(
    { hostname: fc.constant('given'), subdomain: fc.constant('sub'), setHostnameAsFQDN: fc.boolean() },
    { requiredKeys: [] },
  );

  it('the copy is called as its parent, and its own result is left as it is', () => {
    fc.assert(
      fc.property(name, spec, (given, more) => {
        const pod = named(given, more);
        const result = run(pod);
        expect(codes(result).filter((code) => code !== 'hostname')).toEqual([]);
        if (!result.ok) return;
        expect(insideCopy(pod)).toBe(kubeletHostname(given, pod.spec as unknown as Json));
        const metadata = result.manifest['metadata'] as Json;
        const placed = { ...result.manifest, metadata: { ...metadata, name: copyFullName(String(metadata['name']), 'node-1') } };
        expect(copiedSpec(run(placed as unknown as RawPod))).toEqual(copiedSpec(result));
      }),
    );
  });
});
