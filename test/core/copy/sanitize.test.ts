/** What becomes of whole pods, and of every field that needs more than copying. */
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../src/core/model/model.ts';
import { accepted, codes, copied, copiedSpec, fixture, INLINE, OPTIONS, run, tinyPod } from '../pods.ts';

const stored = (name: string) => ({ name, hostPath: { path: `@revision@/files/${name}`, type: 'Directory' } });

describe('a DaemonSet agent on the host network', () => {
  const result = run(fixture('daemonset-agent'));

  it('becomes a static pod with an identity of its own', () => {
    expect(accepted(result).manifest).toMatchObject({ apiVersion: 'v1', kind: 'Pod' });
    expect(accepted(result).manifest['metadata']).toEqual({
      name: 'node-agent-7xk2p-ckpt',
      namespace: 'kube-system',
      labels: { app: 'node-agent', 'checkpointer/copy': 'true' },
      annotations: {
        'prometheus.io/scrape': 'true',
        'checkpointer/copy-of': 'kube-system/node-agent-7xk2p',
        'checkpointer/parent-uid': '6b8a5b57-7a3c-4f1e-9c52-6f2b9c1f0a11',
      },
    });
  });

  it('keeps what is local at pod level, and nothing else', () => {
    const { containers, volumes, ...rest } = copiedSpec(result);
    expect(containers).toHaveLength(1);
    expect(volumes).toEqual([{ name: 'host-root', hostPath: { path: '/', type: '' } }, stored('kube-api-access-zq9xv')]);
    expect(rest).toEqual({
      automountServiceAccountToken: false,
      dnsPolicy: 'ClusterFirstWithHostNet',
      enableServiceLinks: false,
      hostNetwork: true,
      hostPID: true,
      restartPolicy: 'Always',
      securityContext: {},
      terminationGracePeriodSeconds: 30,
    });
  });

  it('loses its ports, and probes and hooks call them by number', () => {
    const agent = copied(result, 'agent');
    expect(agent).not.toHaveProperty('ports');
    expect(agent).toMatchObject({
      livenessProbe: { httpGet: { path: '/healthz', port: 9101, scheme: 'HTTP' }, periodSeconds: 10 },
      readinessProbe: { tcpSocket: { port: 9100 } },
      lifecycle: { preStop: { httpGet: { port: 9101 } } },
      imagePullPolicy: 'IfNotPresent',
      securityContext: { privileged: true },
    });
    expect(accepted(result).handBack).toBe('container');
    expect(accepted(result).serving).toEqual(['agent']);
  });

  it('says what it changed, sorted, one sentence each', () => {
    const { changes } = accepted(result);
    expect(changes).toEqual([...changes].sort());
    expect(changes).toContain('spec.tolerations: dropped (static pods are not subject to taints)');
    expect(changes).toContain('spec.volumes[1] "kube-api-access-zq9xv": projected became a directory of stored files');
  });
});

describe('a Deployment application with references of every kind', () => {
  const result = run(fixture('deployment-app'), INLINE);

  it('has directories of stored files, and keeps what the kubelet fills without the API server', () => {
    const info = {
      downwardAPI: {
        items: [
          { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
          { path: 'cpu', resourceFieldRef: { containerName: 'web', resource: 'limits.cpu', divisor: '1m' } },
        ],
      },
    };
    expect(copiedSpec(result)['volumes']).toEqual([
      stored('tls'),
      stored('config'),
      stored('all'),
      { name: 'info', ...info },
      { name: 'work', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
      stored('token'),
    ]);
    expect(Object.keys(accepted(result).volumes)).toEqual(['tls', 'config', 'all', 'token']);
    expect(accepted(result).volumes['tls']?.map(({ path }) => path)).toEqual(['ca.crt', 'shop.yaml', 'token']);
  });

  it('mounts read-only what the kubelet would have mounted read-only', () => {
    expect(copied(result, 'web')['volumeMounts']).toEqual([
      { name: 'tls', mountPath: '/tls', readOnly: true },
      { name: 'config', mountPath: '/etc/shop.yaml', subPath: 'shop.yaml', readOnly: true },
      { name: 'all', mountPath: '/all', readOnly: true },
      { name: 'info', mountPath: '/info', readOnly: true },
      { name: 'work', mountPath: '/work' },
      { name: 'token', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
    ]);
  });

  it('keeps hostname, priority and ports, and overlaps with its parent at the hand-back', () => {
    expect(copiedSpec(result)).toMatchObject({ hostname: 'shop-5c9d7b6f48-2v8mj', priorityClassName: 'business', priority: 1000 });
    expect(copied(result, 'web')).toMatchObject({
      ports: [{ name: 'http', containerPort: 8080 }],
      livenessProbe: { httpGet: { port: 'http' } },
    });
    expect(accepted(result).handBack).toBe('overlap');
  });

  it('keeps annotations that a network plugin reads, and drops those it wrote', () => {
    expect(accepted(result).manifest['metadata']).toMatchObject({ labels: { app: 'shop', 'checkpointer/copy': 'true' } });
    const annotations = (accepted(result).manifest['metadata'] as Json)['annotations'];
    expect(Object.keys(annotations as Json)).toEqual([
      'k8s.v1.cni.cncf.io/networks',
      'team',
      'checkpointer/copy-of',
      'checkpointer/parent-uid',
    ]);
  });

  it('is refused without consent, naming every place', () => {
    expect(codes(run(fixture('deployment-app')))).toEqual(['secret-env', 'secret-env']);
  });
});

describe('a pod with a sidecar', () => {
  const result = run(fixture('sidecar'), OPTIONS, { nodeName: 'node-1', kubeletMinor: 34 });

  it('keeps it, and counts it among those that serve', () => {
    expect(copied(result, 'mesh')).toMatchObject({ restartPolicy: 'Always', ports: [{ containerPort: 15001, hostPort: 15001 }] });
    expect(accepted(result).serving).toEqual(['mesh', 'main']);
    expect(accepted(result).handBack).toBe('first-sign');
  });

  it.each<[string, Json, Json, string]>([
    ['a host port of a main container', {}, { ports: [{ containerPort: 1, hostPort: 1 }] }, 'first-sign'],
    [
      'a host port of a plain init container, which nobody maps',
      { initContainers: [{ name: 'i', image: 'x', ports: [{ containerPort: 1, hostPort: 1 }] }] },
      {},
      'overlap',
    ],
    ['a container port', {}, { ports: [{ containerPort: 1 }] }, 'overlap'],
    ['the host network without ports', { hostNetwork: true }, {}, 'container'],
  ])('hands back by what can clash: %s', (_, spec, main, expected) => {
    expect(accepted(run(tinyPod(spec, main))).handBack).toBe(expected);
  });

  it('loses what older kubelets refuse in static pods, and the debugging container', () => {
    expect(copied(result, 'main')['lifecycle']).toEqual({ preStop: { sleep: { seconds: 5 } } });
    expect(copied(result, 'setup')).not.toHaveProperty('resizePolicy');
    expect(copiedSpec(result)).not.toHaveProperty('ephemeralContainers');
    const annotations = (accepted(result).manifest['metadata'] as Json)['annotations'] as Json;
    expect(Object.keys(annotations)).toContain('container.apparmor.security.beta.kubernetes.io/main');
    expect(Object.keys(annotations)).not.toContain('container.apparmor.security.beta.kubernetes.io/gone');
  });

  it('keeps a sleep of zero seconds for a kubelet that takes it', () => {
    expect(copied(run(fixture('sidecar')), 'main')['lifecycle']).toMatchObject({ postStart: { sleep: { seconds: 0 } } });
  });
});

describe('a self-hosted API server', () => {
  const result = run(fixture('kube-apiserver'));

  it('stays critical, and serves from stored certificates', () => {
    expect(copiedSpec(result)).toMatchObject({ priorityClassName: 'system-node-critical', priority: 2_000_001_000, hostNetwork: true });
    expect(copiedSpec(result)).not.toHaveProperty('preemptionPolicy');
    expect(copiedSpec(result)).not.toHaveProperty('hostname');
    expect(copied(result, 'kube-apiserver')).toMatchObject({
      command: ['kube-apiserver', '--advertise-address=$(HOST_IP)', '--secure-port=6443'],
      startupProbe: { httpGet: { port: 6443, host: '127.0.0.1' } },
      readinessProbe: { httpGet: { port: 6443 } },
    });
  });
});
