/** What holds for every pod: found by changing real pods at random places. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findApiReferences } from '../../../src/core/copy/api-references.ts';
import { type CaptureInputs, sanitize } from '../../../src/core/copy/sanitize.ts';
import { decodeManifest, encodeManifest, resolveRevisionDir } from '../../../src/core/model/manifest.ts';
import type { Json, RawPod } from '../../../src/core/model/model.ts';
import { expand } from '../../../src/core/text/expand.ts';
import { type Accepted, accepted, container, fixture, INLINE, inputsFor, run, TARGET } from '../pods.ts';

const NAMES = ['daemonset-agent', 'deployment-app', 'sidecar', 'kube-apiserver'] as const;
const SECURITY: readonly unknown[] = [
  { privileged: true },
  { capabilities: { add: ['SYS_ADMIN'], drop: ['ALL'] } },
  { runAsUser: 0 },
  { runAsNonRoot: true, moon: 1 },
  null,
];
const VALUES: readonly unknown[] = [
  ...SECURITY,
  true,
  0,
  -1,
  '',
  'x',
  '@revision@',
  [],
  {},
  [null],
  [{}],
  [{ name: 'x' }],
  { secret: {} },
  { name: 'v', csi: {} },
  { __proto__: null, name: '__proto__' },
];
const KEYS = [
  'securityContext',
  'hostPID',
  'hostIPC',
  'hostUsers',
  'volumes',
  'envFrom',
  'env',
  'valueFrom',
  'ports',
  'resources',
  'lifecycle',
  'restartPolicy',
  'secret',
  'projected',
  'sources',
  'tomorrow',
  '__proto__',
  'constructor',
];

interface Change {
  /** Turns, taken at each level of nesting. */
  readonly turns: readonly number[];
  readonly key: string | undefined;
  readonly value: unknown;
}

/** Replaces, adds or removes something somewhere; JSON in, JSON out. */
function changed(pod: unknown, { turns, key, value }: Change): unknown {
  const copy = structuredClone(pod);
  let at = copy as Record<string, unknown>;
  for (const turn of turns) {
    const inner = Object.values(at).filter((item) => typeof item === 'object' && item !== null);
    if (inner.length === 0) break;
    at = inner[turn % inner.length] as Record<string, unknown>;
  }
  const keys = Object.keys(at);
  // a list has no keys but its places
  const name = (Array.isArray(at) ? undefined : key) ?? keys[(turns[0] ?? 0) % Math.max(1, keys.length)] ?? (Array.isArray(at) ? '0' : 'x');
  if (value === undefined && Array.isArray(at)) at.splice(Number(name), 1);
  else if (value === undefined) delete at[name];
  else Object.defineProperty(at, name, { value: structuredClone(value), enumerable: true, configurable: true, writable: true });
  return copy;
}

const change: fc.Arbitrary<Change> = fc.record({
  turns: fc.array(fc.nat(30), { maxLength: 7 }),
  key: fc.option(fc.constantFrom(...KEYS), { nil: undefined }),
  value: fc.oneof(fc.constantFrom(...VALUES), fc.constant(undefined), fc.jsonValue({ maxDepth: 2 })),
});
const anyPod = fc
  .tuple(fc.constantFrom(...NAMES), fc.array(change, { maxLength: 3 }))
  .map(([name, changes]) => changes.reduce<unknown>(changed, fixture(name)) as RawPod);

/** Runs the check on every pod that is accepted. */
function forAccepted(check: (result: Accepted, pod: RawPod, inputs: CaptureInputs) => void): void {
  let count = 0;
  fc.assert(
    fc.property(anyPod, (pod) => {
      const inputs = inputsFor(pod);
      const result = sanitize(pod, inputs, TARGET, INLINE);
      if (!result.ok) return;
      count += 1;
      check(result, pod, inputs);
    }),
    { numRuns: 400 },
  );
  expect(count).toBeGreaterThan(40);
}

function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, shuffled(inner)]),
  );
}

type Spec = { containers: Json[]; initContainers?: Json[]; volumes?: Json[]; securityContext?: unknown } & Json;
const specOf = (manifest: unknown): Spec => (manifest as { spec: Spec }).spec;
const containersOf = (spec: Spec): readonly Json[] => [...(spec.initContainers ?? []), ...spec.containers];

/** What the containers of a placed copy got, as the runtime would report it. */
function captureOfCopy(manifest: Json): CaptureInputs {
  const containers = containersOf(specOf(manifest)).map((item) => {
    const values: Record<string, string> = {};
    for (const variable of (item['env'] ?? []) as { name: string; value?: string; valueFrom?: unknown }[]) {
      values[variable.name] = variable.valueFrom === undefined ? expand(variable.value ?? '', (name) => values[name]) : 'filled-in';
    }
    return [String(item['name']), container(values)] as const;
  });
  return { volumes: {}, containers: Object.fromEntries(containers) };
}

describe('sanitize', () => {
  it('never throws and never trips over its own check, whatever the pod looks like', () => {
    const judge = (pod: unknown): void => {
      const result = sanitize(pod as RawPod, inputsFor(pod as RawPod), TARGET, INLINE);
      if (result.ok) return;
      expect(result.reasons.length).toBeGreaterThan(0);
      expect(result.reasons.map((reason) => reason.code)).not.toContain('internal-api-reference');
    };
    fc.assert(fc.property(anyPod, judge), { numRuns: 600 });
    fc.assert(fc.property(fc.jsonValue(), judge));
  });

  it('leaves no API reference, and a manifest that reads back', () => {
    forAccepted(({ manifest }) => {
      expect(findApiReferences(manifest)).toEqual([]);
      expect(decodeManifest(encodeManifest(manifest)).ok).toBe(true);
    });
  });

  it('gives the same bytes whatever the order of keys', () => {
    forAccepted((result, pod, inputs) => {
      const reversedInputs: CaptureInputs = {
        volumes: inputs.volumes,
        containers: Object.fromEntries(
          Object.entries(inputs.containers).map(([name, captured]) => [name, { ...captured, env: [...captured.env].reverse() }]),
        ),
      };
      const again = accepted(sanitize(shuffled(pod) as RawPod, reversedInputs, TARGET, INLINE));
      expect(encodeManifest(again.manifest)).toBe(encodeManifest(result.manifest));
      expect(again.changes).toEqual(result.changes);
    });
  });

  it('leaves the spec of its own result as it is', () => {
    forAccepted(({ manifest }) => {
      const placed = resolveRevisionDir(manifest, '/var/lib/pod-checkpointer/checkpoints/k/revisions/r');
      const again = accepted(sanitize(placed as unknown as RawPod, captureOfCopy(placed), TARGET, INLINE));
      expect(encodeManifest(specOf(again.manifest))).toBe(encodeManifest(specOf(placed)));
    });
  });

  it('never changes what a pod may do: security contexts and host namespaces stay, host paths are ours or were there', () => {
    const plain = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value ?? null, (_, inner: unknown) => inner ?? undefined) ?? 'null');
    forAccepted((result, pod) => {
      const before = specOf(pod);
      const after = specOf(result.manifest);
      for (const key of ['securityContext', 'hostPID', 'hostIPC', 'hostNetwork', 'hostUsers', 'shareProcessNamespace'])
        expect(plain(after[key])).toEqual(plain(before[key]));
      const parents = new Map(containersOf(before).map((item) => [item['name'], item]));
      for (const item of containersOf(after))
        expect(plain(item['securityContext'])).toEqual(plain(parents.get(item['name'])?.['securityContext']));
      const known = (before.volumes ?? []).map((volume) => JSON.stringify(plain(volume['hostPath'])));
      for (const volume of after.volumes ?? []) {
        if (volume['hostPath'] === undefined || Object.hasOwn(result.volumes, String(volume['name']))) continue;
        expect(known).toContain(JSON.stringify(plain(volume['hostPath'])));
      }
      const stored = containersOf(after).flatMap((item) =>
        ((item['volumeMounts'] ?? []) as Json[]).filter((mount) => Object.hasOwn(result.volumes, String(mount['name']))),
      );
      for (const mount of stored) expect(mount['readOnly']).toBe(true);
    });
  });

  it('does not touch what it is given', () => {
    for (const name of NAMES) {
      const pod = fixture(name);
      run(pod, INLINE);
      expect(pod).toEqual(fixture(name));
    }
  });
});
