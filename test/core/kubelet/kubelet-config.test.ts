/** What is read from a kubelet's configuration, and what is said of a directory that the kubelet does not read. */
import { describe, expect, it } from 'vitest';
import {
  criSocketProblem,
  kubeletSettings,
  runtimeSocket,
  type StaticPodPaths,
  staticPodProblem,
} from '../../../src/core/kubelet/kubelet-config.ts';

const settings = (content: unknown) => kubeletSettings(content);

describe('the file', () => {
  it('as kubeadm writes it', () => {
    expect(
      settings({
        apiVersion: 'kubelet.config.k8s.io/v1beta1',
        kind: 'KubeletConfiguration',
        staticPodPath: '/etc/kubernetes/manifests',
        featureGates: { KubeletEnsureSecretPulledImages: false },
        imagePullCredentialsVerificationPolicy: 'NeverVerifyAllowlistedImages',
        preloadedImagesVerificationAllowlist: ['a', 5],
      }),
    ).toEqual({
      staticPodPath: '/etc/kubernetes/manifests',
      staticPodURL: '',
      pullPolicy: { mode: 'NeverVerifyAllowlistedImages', allowlist: ['a'], gate: false },
    });
  });

  it("that says nothing means the kubelet's defaults", () => {
    expect(settings({ kind: 'KubeletConfiguration' })).toEqual({
      staticPodPath: '',
      staticPodURL: '',
      pullPolicy: { mode: 'NeverVerifyPreloadedImages', allowlist: [] },
    });
  });

  it.each([[undefined], ['text'], [['list']], [{ kind: 'Config' }]])('that holds %j is none of a kubelet', (content) => {
    expect(settings(content)).toBeUndefined();
  });
});

describe('the directory', () => {
  function problem(
    kubelet: { path?: string; real?: string; url?: string; configured?: string },
    ours: { path?: string; real?: string } = {},
  ) {
    const path = ours.path ?? '/etc/kubernetes/manifests';
    const paths: StaticPodPaths = {
      ours: { path, real: 'real' in ours ? ours.real : path },
      kubelet: {
        file: '/var/lib/kubelet/config.yaml',
        settings: {
          staticPodPath: kubelet.configured ?? kubelet.path ?? '',
          staticPodURL: kubelet.url ?? '',
          pullPolicy: { mode: 'NeverVerifyPreloadedImages', allowlist: [] },
        },
        path: kubelet.path ?? '/var/lib/kubelet',
        real: 'real' in kubelet ? kubelet.real : kubelet.path,
      },
    } as StaticPodPaths;
    return staticPodProblem(paths);
  }

  it.each<[string, ReturnType<typeof problem>]>([
    ['the same', problem({ path: '/etc/kubernetes/manifests' })],
    ['the same behind a link', problem({ path: '/srv/manifests' }, { path: '/etc/kubernetes/manifests', real: '/srv/manifests' })],
  ])('%s is well', (_, said) => {
    expect(said).toBeUndefined();
  });

  it.each<[string, ReturnType<typeof problem>, RegExp]>([
    ['none', problem({}), /sets no staticPodPath, so it runs no static pods: set staticPodPath: \/etc\/kubernetes\/manifests there/],
    ['a URL only', problem({ url: 'http://x' }), /takes static pods from staticPodURL only/],
    ['another one', problem({ path: '/srv/pods' }), /is not the kubelet's: .* says \/srv\/pods, so no copy would ever start/],
    ['another one that does not exist', problem({ path: '/srv/pods', real: undefined } as never), /is not the kubelet's/],
    [
      'one that does not exist',
      problem({ path: '/etc/kubernetes/manifests', real: undefined } as never, { real: undefined } as never),
      /does not exist: create it and restart the kubelet/,
    ],
  ])('%s is told, with what to do', (_, said, words) => {
    expect(said).toMatch(words);
    expect(said).toContain('/var/lib/kubelet/config.yaml');
  });
});

describe("the runtime's socket", () => {
  const socketOf = (containerRuntimeEndpoint: unknown) => {
    const read = settings({ kind: 'KubeletConfiguration', containerRuntimeEndpoint });
    return read === undefined ? undefined : runtimeSocket(read);
  };

  it.each<[unknown, string | undefined]>([
    ['unix:///run/containerd/containerd.sock', '/run/containerd/containerd.sock'],
    ['unix:/run/a.sock', '/run/a.sock'],
    ['/run/crio/crio.sock', '/run/crio/crio.sock'],
    ['', undefined],
    [undefined, undefined],
    [7, undefined],
    ['npipe:////./pipe/containerd-containerd', undefined],
    ['tcp://127.0.0.1:3735', undefined],
  ])('that the file writes as %j is %j', (written, path) => {
    expect(socketOf(written)).toBe(path);
  });

  function problem(ours: [string, string?], kubelet: [string, string?]) {
    return criSocketProblem({
      ours: { path: ours[0], real: ours[1] },
      kubelet: { file: '/var/lib/kubelet/config.yaml', path: kubelet[0], real: kubelet[1] },
    });
  }

  it.each<[string, ReturnType<typeof problem>]>([
    ['the same', problem(['/run/a.sock'], ['/run/a.sock'])],
    ['the same below /var/run', problem(['/run/crio/crio.sock'], ['/var/run/crio/crio.sock'])],
    ['the same behind a link', problem(['/run/a.sock', '/run/k3s/a.sock'], ['/run/b.sock', '/run/k3s/a.sock'])],
  ])('%s is well', (_, said) => {
    expect(said).toBeUndefined();
  });

  it.each<[string, ReturnType<typeof problem>]>([
    ['another one', problem(['/run/a.sock', '/run/a.sock'], ['/run/b.sock', '/run/b.sock'])],
    ['another one that is not to be seen from here', problem(['/run/a.sock', '/run/a.sock'], ['/run/b.sock'])],
    ['another one, neither being there', problem(['/run/a.sock'], ['/run/b.sock'])],
  ])('%s is told, with what to do', (_, said) => {
    expect(said).toMatch(
      /^criSocket \/run\/a.sock is not the kubelet's: .*config.yaml says \/run\/b.sock.* set criSocket: \/run\/b.sock; /,
    );
  });
});
