/**
 * Flags, file and environment as plain values in; a complete configuration, or every error at once, out.
 * Never reads a file or the environment itself, and never stops at the first error.
 */

import { isObject } from '../model/json.ts';
import type { Millis } from '../model/model.ts';
import { nearest } from '../text/nearest.ts';
import { allowedForm, type ConfigKey, type ConfigKeyName, configKeys, flagName, type KeysOf, type LogLevel } from './config-keys.ts';
import {
  type Parsed,
  parseAmount,
  parseBoolean,
  parseLevel,
  parseList,
  parsePath,
  parseSocketAddress,
  parseText,
  quote,
  readBytes,
  readCount,
  readDuration,
  type SocketAddress,
  splitList,
} from './config-values.ts';

/** The whole configuration. '' in a text means that there is none, as the key's documentation says. */
export interface Config {
  readonly nodeName: string;
  readonly stateDir: string;
  /** stateDir as it is written, where a link in it was resolved since. */
  readonly writtenStateDir?: string;
  readonly staticPodPath: string;
  readonly kubeletRootDir: string;
  /** As given; {@link kubeletConfigFile} says which file is meant. */
  readonly kubeletConfig: string;
  readonly kubeletVersion: string;
  readonly criSocket: string;
  readonly podResourcesSocket: string;
  readonly kubeconfig: string;
  readonly apiEndpoints: readonly string[];
  readonly namespaces: readonly string[];
  readonly minReadyMs: Millis;
  /** 0 = unlimited. */
  readonly maxAgeMs: Millis;
  readonly unreachable: { readonly probes: number; readonly windowMs: Millis; readonly deadlineMs: Millis };
  readonly bootFastPath: boolean;
  readonly orphanGraceMs: Millis;
  readonly stuckGraceMs: Millis;
  readonly kubeletBlindGraceMs: Millis;
  readonly endedGraceMs: Millis;
  readonly retireGraceMs: Millis;
  readonly handBackTimeoutMs: Millis;
  readonly limits: { readonly checkpoints: number; readonly active: number; readonly bytesPerPod: number; readonly bytesTotal: number };
  /** undefined = served nowhere. */
  readonly metrics: { readonly address: SocketAddress | undefined };
  readonly log: { readonly level: LogLevel };
  readonly legacyAnnotation: string;
  /** The kubelet learns the node's addresses only from the API server. */
  readonly literalHostIp: boolean;
  readonly agentImage: string;
  readonly bootIdFile: string;
  readonly machineIdFile: string;
  readonly allowTmpfs: boolean;
}

export interface ConfigSources {
  /** What the YAML file holds, parsed; undefined where there is no file or nothing in it. */
  readonly file?: unknown;
  /** Name of the file, for the errors. */
  readonly fileName?: string;
  /** By flag name without dashes; lists may come as several values and with commas. */
  readonly flags?: Readonly<Record<string, readonly string[]>>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What another file of the host says: it goes before the defaults and after everything else. */
  readonly discovered?: { readonly fileName: string; readonly values: Readonly<Partial<Record<ConfigKeyName, string>>> };
  /** Keys the caller cannot do without, although their default is ''. */
  readonly required?: readonly ConfigKeyName[];
}

export type ConfigResult = { readonly ok: true; readonly config: Config } | { readonly ok: false; readonly errors: readonly string[] };

/** The kubelet's configuration file; undefined: none must be looked at. `sure`: it was named, so it must be there. */
export function kubeletConfigFile({
  kubeletConfig,
  kubeletRootDir,
}: Pick<Config, 'kubeletConfig' | 'kubeletRootDir'>): { readonly path: string; readonly sure: boolean } | undefined {
  if (kubeletConfig === '/dev/null') return undefined;
  return kubeletConfig === '' ? { path: `${kubeletRootDir}/config.yaml`, sure: false } : { path: kubeletConfig, sure: true };
}

/**
 * Flag over file over environment over what was discovered over default. Errors name where the value stands and the
 * form it should have.
 */
export function readConfig(sources: ConfigSources): ConfigResult {
  const errors: string[] = [];
  const file = flatten(sources.file, sources.fileName ?? 'the configuration', errors);
  const read = createReader({ ...sources, file }, errors);
  const kubeletRootDir = read.path('kubeletRootDir');
  const config: Config = {
    nodeName: read.text('nodeName'),
    stateDir: read.path('stateDir'),
    staticPodPath: read.path('staticPodPath'),
    kubeletRootDir,
    kubeletConfig: read.optionalPath('kubeletConfig'),
    kubeletVersion: read.text('kubeletVersion'),
    criSocket: read.optionalPath('criSocket'),
    podResourcesSocket: read.optionalPath('podResourcesSocket') || `${kubeletRootDir}/pod-resources/kubelet.sock`,
    kubeconfig: read.optionalPath('kubeconfig'),
    apiEndpoints: read.list('apiEndpoints'),
    namespaces: read.list('namespaces'),
    minReadyMs: read.duration('minReady'),
    maxAgeMs: read.duration('maxAge'),
    unreachable: {
      probes: read.count('unreachable.probes'),
      windowMs: read.duration('unreachable.window'),
      deadlineMs: read.duration('unreachable.deadline'),
    },
    bootFastPath: read.boolean('bootFastPath'),
    orphanGraceMs: read.duration('orphanGrace'),
    stuckGraceMs: read.duration('stuckGrace'),
    kubeletBlindGraceMs: read.duration('kubeletBlindGrace'),
    endedGraceMs: read.duration('endedGrace'),
    retireGraceMs: read.duration('retireGrace'),
    handBackTimeoutMs: read.duration('handBackTimeout'),
    limits: {
      checkpoints: read.count('limits.checkpoints'),
      active: read.count('limits.active'),
      bytesPerPod: read.bytes('limits.bytesPerPod'),
      bytesTotal: read.bytes('limits.bytesTotal'),
    },
    metrics: { address: read.address('metrics.address') },
    log: { level: read.level('log.level') },
    legacyAnnotation: read.text('legacyAnnotation'),
    literalHostIp: read.boolean('literalHostIp'),
    agentImage: read.text('agentImage'),
    bootIdFile: read.path('bootIdFile'),
    machineIdFile: read.path('machineIdFile'),
    allowTmpfs: read.boolean('allowTmpfs'),
  };
  if (errors.length === 0) errors.push(...contradictions(config));
  return errors.length === 0 ? { ok: true, config } : { ok: false, errors };
}

/** What no key shows alone. Only asked once every key is good. */
function contradictions(config: Config): readonly string[] {
  const found: string[] = [];
  const nested = nestedPaths(config);
  if (nested !== undefined) found.push(nested);
  if (config.limits.bytesPerPod > config.limits.bytesTotal)
    found.push('limits.bytesPerPod is larger than limits.bytesTotal; raise the total or lower the share of one pod');
  return found;
}

/** The kubelet reads every file there, and a copy's manifest must never be swept with the checkpoints. */
export function nestedPaths({ stateDir, staticPodPath }: Pick<Config, 'stateDir' | 'staticPodPath'>): string | undefined {
  if (!within(stateDir, staticPodPath) && !within(staticPodPath, stateDir)) return undefined;
  return `stateDir ${stateDir} and staticPodPath ${staticPodPath}: neither may lie in the other; choose another stateDir`;
}

function within(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(`${outer}/`);
}

// ---- the file: nested objects become dotted keys

function flatten(file: unknown, fileName: string, errors: string[]): ReadonlyMap<string, unknown> {
  const values = new Map<string, unknown>();
  if (file === undefined || file === null) return values;
  if (!isObject(file)) {
    errors.push(`${fileName}: not a mapping of keys to values; write it as lines such as "minReady: 10s"`);
    return values;
  }
  const names: readonly string[] = configKeys.map((key) => key.name);
  const sections = new Set(names.filter((name) => name.includes('.')).map((name) => name.slice(0, name.indexOf('.'))));
  const take = (name: string, value: unknown) => {
    if (names.includes(name)) values.set(name, value);
    else errors.push(`${fileName}: ${name}: no such key; ${advice(name, names)}`);
  };
  for (const [name, value] of Object.entries(file)) {
    if (name.includes('.')) errors.push(`${fileName}: ${name}: no such key; a dot is written as one more level of indentation`);
    else if (!sections.has(name)) take(name, value);
    else if (isObject(value)) for (const [inner, innerValue] of Object.entries(value)) take(`${name}.${inner}`, innerValue);
    else if (value !== null && value !== undefined)
      errors.push(`${fileName}: ${name}: has keys of its own: ${keysBelow(name, names).join(', ')}`);
  }
  return values;
}

function advice(name: string, names: readonly string[]): string {
  const meant = nearest(name, names);
  if (meant !== undefined) return `did you mean ${meant}?`;
  const section = name.includes('.') ? name.slice(0, name.indexOf('.')) : undefined;
  return section === undefined
    ? 'see the list of keys in deploy/REFERENCE.md'
    : `the keys below ${section} are ${keysBelow(section, names).join(', ')}`;
}

function keysBelow(section: string, names: readonly string[]): readonly string[] {
  return names.filter((name) => name.startsWith(`${section}.`)).map((name) => name.slice(section.length + 1));
}

// ---- one value

interface Found {
  /** Where it stands, for errors. */
  readonly where: string;
  readonly raw: unknown;
}

function createReader(sources: ConfigSources & { readonly file: ReadonlyMap<string, unknown> }, errors: string[]) {
  const find = (key: ConfigKey): Found => {
    const flag = sources.flags?.[flagName(key.name)];
    if (flag !== undefined) return { where: `--${flagName(key.name)}`, raw: isList(key) ? flag : flag.at(-1) };
    const inFile = sources.file.get(key.name);
    if (inFile !== undefined && inFile !== null) return { where: `${sources.fileName ?? 'the configuration'}: ${key.name}`, raw: inFile };
    const inEnv = key.env === undefined ? undefined : sources.env?.[key.env];
    if (key.env !== undefined && inEnv !== undefined && inEnv !== '') return { where: `environment variable ${key.env}`, raw: inEnv };
    const discovered = sources.discovered?.values[key.name as ConfigKeyName];
    if (discovered !== undefined) return { where: `${sources.discovered?.fileName}: ${key.name}`, raw: discovered };
    return { where: key.name, raw: isList(key) ? splitList([key.default]) : key.default };
  };
  const take = <T>(name: ConfigKeyName, parse: (raw: unknown, key: ConfigKey) => Parsed<T>, placeholder: T): T => {
    const key: ConfigKey | undefined = configKeys.find((candidate) => candidate.name === name);
    if (key === undefined) return placeholder;
    const found = find(key);
    const parsed = parse(found.raw, key);
    if ('problem' in parsed) {
      const why = parsed.problem === undefined ? '' : ` (${parsed.problem})`;
      errors.push(`${found.where}: ${quote(found.raw)} is not allowed${why}; write ${allowedForm(key)}`);
      return placeholder;
    }
    if (parsed.value === '' && sources.required?.includes(name) === true) {
      const env = key.env === undefined ? '' : `, or the environment variable ${key.env}`;
      errors.push(`${key.name}: missing; give --${flagName(key.name)} or ${key.name} in the configuration file${env}`);
    }
    return parsed.value;
  };
  return {
    text: (name: KeysOf<'node-name' | 'annotation' | 'kubelet-version' | 'image'>) => take(name, parseText, ''),
    path: (name: KeysOf<'path'>) => take(name, parsePath, '/'),
    optionalPath: (name: KeysOf<'optional-path'>) => take(name, (raw) => (raw === '' ? { value: '' } : parsePath(raw)), ''),
    list: (name: KeysOf<'endpoints' | 'namespaces'>) => take<readonly string[]>(name, parseList, []),
    duration: (name: KeysOf<'duration'>) => take(name, (raw, key) => parseAmount(raw, key, readDuration), 0),
    count: (name: KeysOf<'count'>) => take(name, (raw, key) => parseAmount(raw, key, readCount), 0),
    bytes: (name: KeysOf<'bytes'>) => take(name, (raw, key) => parseAmount(raw, key, readBytes), 0),
    boolean: (name: KeysOf<'boolean'>) => take(name, parseBoolean, false),
    address: (name: KeysOf<'address'>) => take(name, parseSocketAddress, undefined),
    level: (name: KeysOf<'level'>) => take<LogLevel>(name, parseLevel, 'info'),
  };
}

function isList(key: ConfigKey): boolean {
  return key.kind === 'endpoints' || key.kind === 'namespaces';
}
