/** Single fields of the sanitizer, row by row; refusals: sanitize-refusals.test.ts. */
import { describe, expect, it } from 'vitest';
import type { SanitizeTarget } from '../../../src/core/copy/sanitize.ts';
import type { Json, RawPod } from '../../../src/core/model/model.ts';
import { accepted, container, copied, copiedSpec, DIGEST, file, OPTIONS, run, TARGET, tinyPod } from '../pods.ts';

const OLD: SanitizeTarget = { nodeName: 'node-1', kubeletMinor: 31 };
const stored = (name: string) => ({ name, hostPath: { path: `@revision@/files/${name}`, type: 'Directory' } });

describe('single fields', () => {
  const specOf = (spec: Json, target = TARGET): Json => copiedSpec(run(tinyPod(spec), OPTIONS, target));

  it.each<[string, string, boolean, string]>([
    ['is pinned to the digest that ran, in its own spelling', `repo/app@sha256:${DIGEST}`, true, `app@sha256:${DIGEST}`],
    ['stays when the runtime does not find the digest', `repo/app@sha256:${DIGEST}`, false, 'app:1'],
    ['stays when only an id is known', `sha256:${DIGEST}`, true, 'app:1'],
    ['stays when nothing is known', '', true, 'app:1'],
  ])('the image %s', (_, imageRef, imagePinnable, expected) => {
    const pod = tinyPod();
    const inputs = { volumes: {}, containers: { main: container({}, { imageRef, imagePinnable }) } };
    const result = run(pod, OPTIONS, TARGET, inputs);
    expect(accepted(result).images).toEqual([{ container: 'main', image: expected, imageRef }]);
    expect(copied(result, 'main')).toMatchObject({ image: expected, imagePullPolicy: 'IfNotPresent' });
  });

  it.each<[string, Json, Json]>([
    ['both', { priorityClassName: 'x', priority: 5 }, { priorityClassName: 'x', priority: 5 }],
    ['a value alone', { priority: 0 }, {}],
    ['a class alone', { priorityClassName: 'x' }, {}],
  ])('priority: %s', (_, given, expected) => {
    const { priority, priorityClassName } = specOf(given);
    expect({ ...(priority === undefined ? {} : { priority }), ...(priorityClassName === undefined ? {} : { priorityClassName }) }).toEqual(
      expected,
    );
  });

  it.each<[string, Json, string | undefined]>([
    ['the name of the parent', {}, 'tiny'],
    ['one that was given', { hostname: 'given' }, 'given'],
    ['none on the host network', { hostNetwork: true }, undefined],
    // a kubelet that does not know the override gives the parent this one
    ['the name of the parent beside an override', { hostnameOverride: 'a.b' }, 'tiny'],
  ])('hostname: %s', (_, spec, expected) => {
    expect(specOf(spec)['hostname']).toBe(expected);
  });

  it('cuts a long name to a hostname as the kubelet does, and gives none to a name with dots', () => {
    const named = (name: string): RawPod => ({ ...tinyPod(), metadata: { name, namespace: 'x' } }) as RawPod;
    expect(copiedSpec(run(named(`${'a'.repeat(62)}-b`)))['hostname']).toBe('a'.repeat(62));
    expect(copiedSpec(run(named('a.b')))).not.toHaveProperty('hostname');
  });

  it.each<[string, SanitizeTarget]>([
    ['a new kubelet', TARGET],
    ['an old one', OLD],
    ['one of unknown version', { nodeName: 'node-1' }],
  ])('keeps for %s what the kubelet judges alike in parent and copy', (_, target) => {
    const spec = { hostnameOverride: 'a.b', resources: { limits: { cpu: '1' } } };
    expect(specOf(spec, target)).toMatchObject(spec);
  });

  it.each<[string, SanitizeTarget]>([
    ['a new kubelet', TARGET],
    ['an old one', OLD],
    ['one of unknown version', { nodeName: 'node-1' }],
  ])('keeps for %s what narrows mounts, probes and hooks', (_, target) => {
    const volumes = [{ name: 'v', emptyDir: { mode: 0o1777 } }];
    const main = {
      volumeMounts: [{ name: 'v', mountPath: '/v', bindMountOptions: ['noexec', 'nosuid'] }],
      livenessProbe: { grpc: { port: 1, mode: 'TLS' } },
      readinessProbe: { httpGet: { port: 1, protocol: 'HTTP2' } },
      lifecycle: { stopSignal: 'SIGUSR1' },
    };
    const result = run(tinyPod({ volumes, os: { name: 'linux' } }, main), OPTIONS, target);
    expect(copied(result, 'main')).toMatchObject(main);
    expect(copiedSpec(result)['volumes']).toEqual(volumes);
  });

  it('keeps the mount options of a volume that becomes stored files', () => {
    const mount = { name: 'v', mountPath: '/v', bindMountOptions: ['noexec'] };
    const result = run(tinyPod({ volumes: [{ name: 'v', secret: { secretName: 's' } }] }, { volumeMounts: [mount] }));
    expect(copied(result, 'main')['volumeMounts']).toEqual([{ ...mount, readOnly: true }]);
  });

  it('gives a volume without a kind the kind that the API gives it', () => {
    expect(specOf({ volumes: [{ name: 'v' }] })['volumes']).toEqual([{ name: 'v', emptyDir: {} }]);
  });

  it('leaves out a volume that no container mounts, whatever it is, and says so', () => {
    const volumes = [
      { name: 'claim', persistentVolumeClaim: { claimName: 'x' } },
      { name: 'gone', configMap: { name: 'gone' } },
    ];
    const result = accepted(run(tinyPod({ volumes }, { volumeMounts: [] }), OPTIONS, TARGET, { volumes: {}, containers: {} }));
    expect(JSON.stringify(result.manifest)).not.toMatch(/claim|gone/);
    expect(result.changes).toEqual(expect.arrayContaining(['spec.volumes[0] "claim": left out, no container mounts it']));
  });

  it('keeps an image volume for a kubelet that has it, and counts its image', () => {
    const pod = tinyPod({ volumes: [{ name: 'v', image: { reference: 'data:1', pullPolicy: 'Always' } }] });
    const result = accepted(run(pod));
    expect(copiedSpec(result)['volumes']).toEqual([{ name: 'v', image: { reference: 'data:1', pullPolicy: 'IfNotPresent' } }]);
    expect(result.images.at(-1)).toEqual({ container: 'volume/v', image: 'data:1', imageRef: '' });
  });

  it.each<[unknown, string]>([
    ['Never', 'Never'],
    ['Always', 'IfNotPresent'],
    ['IfNotPresent', 'IfNotPresent'],
    [undefined, 'IfNotPresent'],
  ])('pulls no image that its pod does not pull: %s becomes %s', (given, expected) => {
    const volumes = [{ name: 'v', image: { reference: 'data:1', ...(given === undefined ? {} : { pullPolicy: given }) } }];
    const result = run(tinyPod({ volumes }, given === undefined ? {} : { imagePullPolicy: given }));
    expect(copied(result, 'main')['imagePullPolicy']).toBe(expected);
    expect(copiedSpec(result)['volumes']).toEqual([{ name: 'v', image: { reference: 'data:1', pullPolicy: expected } }]);
  });

  it('turns a downwardAPI volume into files where the kubelet would answer otherwise', () => {
    const pod = tinyPod({
      volumes: [{ name: 'v', downwardAPI: { items: [{ path: 'h', fieldRef: { fieldPath: "metadata.labels['pod-template-hash']" } }] } }],
    });
    expect(copiedSpec(run(pod))['volumes']).toEqual([stored('v')]);
  });

  it('drops unknown metadata, and says so', () => {
    const pod = { ...tinyPod(), metadata: { ...tinyPod().metadata, moon: 'full' } } as unknown as RawPod;
    const result = accepted(run(pod));
    expect(result.manifest['metadata']).not.toHaveProperty('moon');
    expect(result.changes).toContain('metadata.moon: dropped (not known to this version)');
  });

  it('keeps plain search domains for any kubelet, and any for a new one', () => {
    const dnsConfig = { searches: ['a.example', 'b.example.'] };
    expect(specOf({ dnsConfig }, OLD)).toMatchObject({ dnsConfig });
    expect(specOf({ dnsConfig: { searches: ['.', '_x'] } })).toMatchObject({ dnsConfig: { searches: ['.', '_x'] } });
  });

  it('keeps the restart policy and rules of a main container for a kubelet that has them', () => {
    const main = { restartPolicy: 'Never', restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [1] } }] };
    expect(copied(run(tinyPod({}, main)), 'main')).toMatchObject(main);
  });

  it('takes a port number written as text', () => {
    const pod = tinyPod({ hostNetwork: true }, { livenessProbe: { tcpSocket: { port: '8080' } } });
    expect(copied(run(pod), 'main')).toMatchObject({ livenessProbe: { tcpSocket: { port: 8080 } } });
  });

  it('accepts a subPath that is a directory of the volume, or the volume itself', () => {
    const mounts = ['dir', './dir/', '.', 'dir/file'].map((subPath, index) => ({ name: 'v', mountPath: `/m${index}`, subPath }));
    const pod = tinyPod({ volumes: [{ name: 'v', secret: { secretName: 's' } }] }, { volumeMounts: mounts });
    expect(run(pod, OPTIONS, TARGET, { volumes: { v: [file('dir/file')] }, containers: {} }).ok).toBe(true);
  });
});

describe('SELinux', () => {
  it('stays as the pod and its containers have it', () => {
    const pod = { level: 's0:c1,c2' };
    const main = { user: 'system_u', role: 'system_r', type: 'spc_t', level: 's0' };
    const securityContext = { seLinuxOptions: pod, seLinuxChangePolicy: 'Recursive' };
    const result = run(
      tinyPod({ securityContext, containers: [{ name: 'main', image: 'app:1', securityContext: { seLinuxOptions: main } }] }),
    );
    expect(copiedSpec(result)['securityContext']).toEqual(securityContext);
    expect(copied(result, 'main')['securityContext']).toEqual({ seLinuxOptions: main });
  });
});
