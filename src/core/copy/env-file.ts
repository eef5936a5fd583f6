/**
 * Secret values of environments by file instead of by manifest (`checkpointer/secret-env: env-file`), so that nobody
 * reads them in the mirror pod. One stored file holds them all. An init container of ours copies it into a volume in
 * memory, and the kubelet takes each value from there (fileKeyRef, gate EnvFiles).
 *
 * No other container mounts either volume. Ours runs first, to its end, and has less than any container of the parent:
 * a user of its own, no capabilities, a read-only root. A value never gets into a sentence.
 */
import { field, objectsIn, textField } from '../model/json.ts';
import { ANNOTATION_SECRET_ENV } from '../model/keys.ts';
import type { CapturedFile, Json } from '../model/model.ts';
import { type Findings, refuse } from '../model/refusal.ts';

/** What one sanitizing run collects; empty: no secret value was met. */
export interface EnvFile {
  /** Names that no volume and no container of the pod has. */
  readonly stored: string;
  readonly memory: string;
  readonly container: string;
  /** Values by key. */
  readonly values: Map<string, string>;
}

/** First kubelet that reads such files by default; an older one starts the container with empty values instead. */
const SINCE = 35;
const FILE = 'env';
/**
 * `cp` by what every shell has built in: our image holds no other program for it. Ends with 1 when not all was written.
 */
const COPY = `while IFS= read -r line; do printf '%s\\n' "$line" || exit 1; done <"$0" >"$1"`;
const STORED_PATH = '/checkpoint';
const MEMORY_PATH = '/memory';
/**
 * Nobody's user and group: above what distributions and systemd give out, below what a user namespace ends with. The
 * stored file belongs to it, so that our container needs no right but its own.
 */
const OWNER = 65_530;
/** The kubelet reads the file line by line into a buffer of 64 KiB (bufio.Scanner). */
const MAX_LINE_BYTES = 60_000;

export function beginEnvFile(spec: unknown): EnvFile {
  const names = (key: string) => objectsIn(spec, key).map((item) => textField(item, 'name') ?? '');
  const volumes = new Set(names('volumes'));
  return {
    stored: free('podckpt-env', volumes),
    memory: free('podckpt-env-memory', volumes),
    container: free('podckpt-env', new Set([...names('initContainers'), ...names('containers'), ...names('ephemeralContainers')])),
    values: new Map(),
  };
}

function free(wanted: string, taken: ReadonlySet<string>): string {
  let name = wanted;
  for (let number = 2; taken.has(name); number++) name = `${wanted}-${number}`;
  return name;
}

/** What the sentences end with. */
const OTHER_WAYS = 'mount the Secret as files, or use "inline"';

export interface EnvFileContext {
  readonly findings: Findings;
  readonly kubeletMinor: number | undefined;
  readonly agentImage: string | undefined;
}

/** Can this node have it at all? `what` begins a sentence: who takes what. */
export function judgeEnvFile(what: string, { findings, kubeletMinor, agentImage }: EnvFileContext): void {
  const needed = `${what} from a Secret, and ${ANNOTATION_SECRET_ENV}: "env-file" needs`;
  if (kubeletMinor === undefined || kubeletMinor < SINCE) {
    const found = kubeletMinor === undefined ? 'the version of this one is not known' : `this one is 1.${kubeletMinor}`;
    const remedy = kubeletMinor === undefined ? 'set kubeletVersion' : 'upgrade the kubelet';
    const needs = `${needed} kubelet 1.${SINCE} or newer (${found}); ${remedy}, ${OTHER_WAYS}`;
    refuse(findings, 'needs-newer-kubelet', needs);
  }
  if (agentImage === undefined || agentImage === '') {
    const needs = `${needed} the agent's own image in the copy, which is not configured; set agentImage, ${OTHER_WAYS}`;
    refuse(findings, 'secret-env-file', needs);
  }
}

/**
 * Takes a value in and gives the variable that refers to it; undefined where the format cannot hold it, which goes to
 * the findings. The value must not be empty: the kubelet takes that for a missing key.
 *
 * The format (pkg/kubelet/util/env): `KEY='value'`, everything between the quotes as it stands, over several lines; a
 * line's end may be CR LF, and is read as LF.
 */
export function fileVariable(
  envFile: EnvFile,
  of: { container: string; name: string; value: string; at: string },
  findings: Findings,
): Json | undefined {
  const { container, name, value, at } = of;
  const key = `${container}.${name}`;
  const problem = problemOf(name, value, `${key}='${value}'`);
  if (problem !== undefined) {
    const message = `${at} ${problem}, so ${ANNOTATION_SECRET_ENV}: "env-file" cannot carry it; ${OTHER_WAYS}`;
    return refuse(findings, 'secret-env-file', message);
  }
  envFile.values.set(key, value);
  return { name, valueFrom: { fileKeyRef: { volumeName: envFile.memory, path: FILE, key, optional: false } } };
}

/** Why the format cannot hold it; `text` is what would be written. */
function problemOf(name: string, value: string, text: string): string | undefined {
  if (/[ \t=]$|=/.test(name)) return 'has a name that such a file cannot hold';
  if (value.includes("'")) return 'holds a single quote, which such a file cannot hold';
  if (value.includes('\r\n')) return 'holds a line end CR LF, of which the kubelet would drop the CR';
  const long = text.split('\n').some((line) => new TextEncoder().encode(line).length > MAX_LINE_BYTES);
  return long ? `has a line of more than ${MAX_LINE_BYTES} bytes, more than the kubelet reads` : undefined;
}

/** The stored file; sorted, so that equal values give equal bytes. */
export function envFileContent({ values }: EnvFile): CapturedFile {
  const text = [...values].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}='${value}'\n`);
  return { path: FILE, mode: 0o600, uid: OWNER, gid: OWNER, content: new TextEncoder().encode(text.join('')) };
}

/** The two volumes, `path` being where the stored file's directory is. */
export function envFileVolumes(envFile: EnvFile, path: string): readonly Json[] {
  return [
    { name: envFile.stored, hostPath: { path, type: 'Directory' } },
    { name: envFile.memory, emptyDir: { medium: 'Memory' } },
  ];
}

/**
 * The init container. Its resources are those of the pod's first main container: it asks for nothing that the pod does
 * not have, and the pod's quality of service stays.
 */
export function envFileContainer(envFile: EnvFile, image: string, firstMain: Json | undefined): Json {
  const resources = field(firstMain, 'resources');
  return {
    name: envFile.container,
    image,
    imagePullPolicy: 'IfNotPresent',
    command: ['/bin/sh', '-c', COPY, `${STORED_PATH}/${FILE}`, `${MEMORY_PATH}/${FILE}`],
    ...(resources === undefined ? {} : { resources }),
    volumeMounts: [
      { name: envFile.stored, mountPath: STORED_PATH, readOnly: true },
      { name: envFile.memory, mountPath: MEMORY_PATH },
    ],
    securityContext: {
      privileged: false,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
      runAsUser: OWNER,
      runAsGroup: OWNER,
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    },
  };
}
