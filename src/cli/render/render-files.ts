/**
 * Reads the files given to `render` into documents: YAML with any number of them, or JSON. `-` is standard input.
 * Knows nothing of Kubernetes, stops at no mistake, and never quotes what a file holds.
 */

import { Buffer } from 'node:buffer';
import type { ScalarTagDefinition, Schema } from 'js-yaml';
import type { GivenDocument } from '../../core/render/render-objects.ts';
import { duplicateKey } from '../../core/text/duplicate-key.ts';
import type { Io } from '../command.ts';
import { readProblem } from '../read-problem.ts';

export interface ReadFiles {
  readonly documents: readonly GivenDocument[];
  /** Sentences; a file that could not be read at all weighs more than one that makes no sense. */
  readonly unreadable: readonly string[];
  readonly malformed: readonly string[];
}

/** Larger than any pod with all its Secrets and ConfigMaps that a kubelet would take. */
const MAX_FILE_BYTES = 10 * 1024 * 1024;
/** Against aliases that stand for more and more of each other. */
const MAX_NODES = 2_000_000;
const MAX_DEPTH = 200;

/** What js-yaml calls a key that an object holds twice. */
const DUPLICATE = 'duplicated mapping key';

/** Never throws for what is in a file. */
export async function readFiles(files: readonly string[], io: Pick<Io, 'readFile'>): Promise<ReadFiles> {
  const documents: GivenDocument[] = [];
  const unreadable: string[] = [];
  const malformed: string[] = [];
  for (const file of new Set(files)) {
    const name = file === '-' ? 'standard input' : file;
    let text: string;
    try {
      text = await io.readFile(file === '-' ? '/dev/stdin' : file);
    } catch (error) {
      unreadable.push(`${name}: ${readProblem(error)}`);
      continue;
    }
    const read = await readDocuments(text);
    if ('problem' in read) malformed.push(`${name}: ${read.problem}`);
    else {
      const { values } = read;
      const label = (index: number) => (values.length > 1 ? `${name}, document ${index + 1}` : name);
      documents.push(...values.map((value, index) => ({ from: label(index), value })));
    }
  }
  return { documents, unreadable, malformed };
}

async function readDocuments(text: string): Promise<{ readonly values: readonly unknown[] } | { readonly problem: string }> {
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) return { problem: 'larger than 10 MiB; give only the pod and what it needs' };
  if (text.includes('\ufffd')) return { problem: 'holds bytes that are no UTF-8 text; put binary data into it as base64' };
  const json = parseJson(text);
  const twice = json === undefined ? undefined : duplicateKey(text);
  if (twice !== undefined) return { problem: twiceAt(twice.line, twice.column) };
  const read = json === undefined ? await parseYaml(text) : { values: [json] };
  if ('problem' in read) return read;
  const budget = { nodes: MAX_NODES };
  return read.values.every((value) => fits(value, budget, MAX_DEPTH))
    ? read
    : { problem: 'its aliases or levels make more of it than a pod can have; write it out' };
}

function twiceAt(line: number, column: number): string {
  return `line ${line}, column ${column} has a key that its object holds already; keep one of the two`;
}

/** undefined for anything but JSON: YAML then says what is wrong, and where. */
function parseJson(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function parseYaml(text: string): Promise<{ readonly values: readonly unknown[] } | { readonly problem: string }> {
  const yaml = await import('js-yaml');
  try {
    return { values: yaml.loadAll(text, { schema: kubernetesSchema(yaml) }) };
  } catch (error) {
    if (error instanceof RangeError) return { problem: 'has more levels than can be read; write it flatter' };
    if (!(error instanceof yaml.YAMLException)) throw error;
    if (error.mark !== undefined && error.reason === DUPLICATE) return { problem: twiceAt(error.mark.line + 1, error.mark.column + 1) };
    const where = error.mark === undefined ? '' : ` in line ${error.mark.line + 1}, column ${error.mark.column + 1}`;
    // a tag, an alias or a key is quoted by some messages
    return { problem: `no valid YAML${where}: ${error.reason.replace(/["'<`!*&].*$/s, '').trim()}; correct it` };
  }
}

/**
 * Scalars as kubectl reads them (sigs.k8s.io/yaml on YAML 1.1): `0400` is octal, which file modes are written in; `yes`
 * and `on` are booleans; merge keys work. Times stay texts.
 */
function kubernetesSchema(yaml: typeof import('js-yaml')): Schema {
  const plain: ScalarTagDefinition<number> = yaml.intCoreTag;
  const integer = yaml.defineScalarTag<number>(plain.tagName, {
    implicit: true,
    implicitFirstChars: [...'-+0123456789'],
    identify: plain.identify,
    represent: plain.represent,
    resolve: (source, isExplicit, tagName) => {
      const octal = /^([-+]?)0([0-7]+)$/.exec(source);
      if (octal === null) return plain.resolve(source, isExplicit, tagName);
      return Number.parseInt(octal[2] ?? '', 8) * (octal[1] === '-' ? -1 : 1);
    },
  });
  return yaml.CORE_SCHEMA.withTags(integer, yaml.boolYaml11Tag, yaml.mergeTag);
}

function fits(value: unknown, budget: { nodes: number }, depth: number): boolean {
  if (--budget.nodes < 0 || depth < 0) return false;
  if (typeof value !== 'object' || value === null) return true;
  return Object.values(value).every((inner) => fits(inner, budget, depth - 1));
}
