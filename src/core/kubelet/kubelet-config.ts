/**
 * What the kubelet's own configuration file says of the things we share with it: where static pods lie, which runtime
 * runs them, and whether an image's credentials are checked. Pure: the file's content in, settings or sentences out.
 *
 * The file is not the whole truth: drop-ins (--config-dir) and flags go before it (cmd/kubelet/app/server.go).
 */
import { field, fieldAt, isObject, textField } from '../model/json.ts';

/** KubeletConfiguration.imagePullCredentialsVerificationPolicy; the second is the kubelet's default. */
export const PULL_POLICIES = ['NeverVerify', 'NeverVerifyPreloadedImages', 'NeverVerifyAllowlistedImages', 'AlwaysVerify'] as const;
export type PullPolicyMode = (typeof PULL_POLICIES)[number];

export interface PullPolicy {
  readonly mode: PullPolicyMode;
  /** Names of images, or `registry/path/*`. */
  readonly allowlist: readonly string[];
  /** Feature gate KubeletEnsureSecretPulledImages, where the file names it. */
  readonly gate?: boolean;
}
export const DEFAULT_PULL_POLICY: PullPolicy = { mode: 'NeverVerifyPreloadedImages', allowlist: [] };

export interface KubeletSettings {
  /** As written; may be relative to the file's own directory. '' where there is none. */
  readonly staticPodPath: string;
  /** '' where there is none. */
  readonly staticPodURL: string;
  /** As written, with its scheme. Left out where there is none: a flag may say it, or it is the kubelet's default. */
  readonly containerRuntimeEndpoint?: string;
  readonly pullPolicy: PullPolicy;
}

/** `content`: the file, parsed. undefined: it is no kubelet configuration. */
export function kubeletSettings(content: unknown): KubeletSettings | undefined {
  if (!isObject(content)) return undefined;
  const kind = field(content, 'kind');
  if (kind !== undefined && kind !== 'KubeletConfiguration') return undefined;
  const mode = textField(content, 'imagePullCredentialsVerificationPolicy');
  const gate = fieldAt(content, 'featureGates', 'KubeletEnsureSecretPulledImages');
  const list = field(content, 'preloadedImagesVerificationAllowlist');
  const endpoint = textField(content, 'containerRuntimeEndpoint');
  return {
    staticPodPath: textField(content, 'staticPodPath') ?? '',
    staticPodURL: textField(content, 'staticPodURL') ?? '',
    ...(endpoint ? { containerRuntimeEndpoint: endpoint } : {}),
    pullPolicy: {
      mode: PULL_POLICIES.find((policy) => policy === mode) ?? DEFAULT_PULL_POLICY.mode,
      allowlist: Array.isArray(list) ? list.filter((item): item is string => typeof item === 'string') : [],
      ...(typeof gate === 'boolean' ? { gate } : {}),
    },
  };
}

export interface StaticPodPaths {
  /** Ours, with links resolved; undefined: there is no such directory. */
  readonly ours: { readonly path: string; readonly real: string | undefined };
  /** The kubelet's configuration file, and what it says; `real` with links resolved, undefined: no such directory. */
  readonly kubelet: { readonly file: string; readonly settings: KubeletSettings; readonly path: string; readonly real: string | undefined };
}

/** Would this kubelet ever run what is placed in our directory? One sentence if not. */
export function staticPodProblem({ ours, kubelet }: StaticPodPaths): string | undefined {
  const { file, settings } = kubelet;
  const otherwise = `if a flag or a drop-in of the kubelet says otherwise, set kubeletConfig to /dev/null, so that ${file} is not looked at`;
  if (settings.staticPodPath === '') {
    const url =
      settings.staticPodURL === ''
        ? 'so it runs no static pods'
        : 'it takes static pods from staticPodURL only, where the agent cannot place any';
    return `the kubelet's configuration ${file} sets no staticPodPath, ${url}: set staticPodPath: ${ours.path} there and restart the kubelet; ${otherwise}`;
  }
  if (kubelet.real === undefined && ours.real === undefined && kubelet.path === ours.path)
    return `staticPodPath ${ours.path}, which the kubelet's configuration ${file} names, does not exist: create it and restart the kubelet`;
  if (kubelet.path === ours.path || (kubelet.real !== undefined && kubelet.real === ours.real)) return undefined;
  return `staticPodPath ${ours.path} is not the kubelet's: its configuration ${file} says ${kubelet.path}, so no copy would ever start; leave staticPodPath out, or name that directory; ${otherwise}`;
}

/** Path of the runtime's unix socket; undefined where the kubelet's configuration names none. */
export function runtimeSocket({ containerRuntimeEndpoint: endpoint }: KubeletSettings): string | undefined {
  const path = endpoint?.replace(/^unix:(\/\/)?/, '');
  return path?.startsWith('/') ? path : undefined;
}

export interface RuntimeSockets {
  /** Ours; `real` with links resolved, undefined: it is not there. */
  readonly ours: { readonly path: string; readonly real: string | undefined };
  /** The kubelet's, by its configuration file. */
  readonly kubelet: { readonly file: string; readonly path: string; readonly real: string | undefined };
}

/** Would another runtime be watched than the one that runs this node's pods? One sentence if so. */
export function criSocketProblem({ ours, kubelet }: RuntimeSockets): string | undefined {
  if (withoutVar(ours.path) === withoutVar(kubelet.path) || (ours.real !== undefined && ours.real === kubelet.real)) return undefined;
  return `criSocket ${ours.path} is not the kubelet's: its configuration ${kubelet.file} says ${kubelet.path}, so the agent would watch a runtime that runs none of this node's pods; set criSocket: ${kubelet.path}; if a flag or a drop-in of the kubelet says otherwise, set kubeletConfig to /dev/null, so that ${kubelet.file} is not looked at`;
}

/** /var/run is a link to /run wherever there is a kubelet; in a container it may be none. */
function withoutVar(path: string): string {
  return path.replace(/\/+/g, '/').replace(/^\/var\/run\//, '/run/');
}
