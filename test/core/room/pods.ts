/** Pods with requests, for the tests of the room: by hand, and by the dozen. */
import fc from 'fast-check';
import type { Json } from '../../../src/core/model/model.ts';
import type { Resource } from '../../../src/core/model/reservation.ts';

export type Quantities = Partial<Record<Resource, string>>;

export interface ContainerSketch {
  readonly requests?: Quantities;
  readonly limits?: Quantities;
  readonly sidecar?: boolean;
}

export interface PodSketch {
  readonly main?: readonly ContainerSketch[];
  readonly init?: readonly ContainerSketch[];
  readonly resources?: { readonly requests?: Quantities; readonly limits?: Quantities };
  readonly overhead?: Quantities;
  readonly status?: Json;
}

export function aPodOf({ main = [{}], init = [], resources, overhead, status }: PodSketch): Json {
  return {
    metadata: { name: 'web', namespace: 'kube-system' },
    spec: {
      containers: main.map((each, at) => container(`main-${at}`, each)),
      ...(init.length === 0 ? {} : { initContainers: init.map((each, at) => container(`init-${at}`, each)) }),
      ...(resources === undefined ? {} : { resources }),
      ...(overhead === undefined ? {} : { overhead }),
    },
    ...(status === undefined ? {} : { status }),
  };
}

function container(name: string, { requests, limits, sidecar }: ContainerSketch): Json {
  const resources = { ...(requests === undefined ? {} : { requests }), ...(limits === undefined ? {} : { limits }) };
  return {
    name,
    ...(Object.keys(resources).length === 0 ? {} : { resources }),
    ...(sidecar === true ? { restartPolicy: 'Always' } : {}),
  };
}

const cpu = fc.oneof(
  fc.integer({ min: 0, max: 4 }).map(String),
  fc.integer({ min: 0, max: 3000 }).map((milli) => `${milli}m`),
  fc.integer({ min: 0, max: 30 }).map((tenths) => `${tenths / 10}`),
);
const bytes = fc.oneof(
  fc.integer({ min: 0, max: 2000 }).map((mebi) => `${mebi}Mi`),
  fc.integer({ min: 0, max: 2000 }).map((mega) => `${mega}M`),
  fc.integer({ min: 0, max: 5_000_000 }).map(String),
);
const quantities: fc.Arbitrary<Quantities> = fc.record({ cpu, memory: bytes, 'ephemeral-storage': bytes }, { requiredKeys: [] });
const podLevel: fc.Arbitrary<Quantities> = fc.record({ cpu, memory: bytes }, { requiredKeys: [] });
const sketch: fc.Arbitrary<ContainerSketch> = fc.record(
  { requests: quantities, limits: quantities, sidecar: fc.boolean() },
  { requiredKeys: [] },
);

/** Any pod; also such as no API server would take, for the arithmetic must hold for what is there. */
export const anyPod: fc.Arbitrary<Json> = fc
  .record(
    {
      main: fc.array(sketch, { minLength: 1, maxLength: 3 }),
      init: fc.array(sketch, { maxLength: 3 }),
      resources: fc.record({ requests: podLevel, limits: podLevel }, { requiredKeys: [] }),
      overhead: podLevel,
    },
    { requiredKeys: ['main'] },
  )
  .map(aPodOf);

/** As the sanitizer makes copies: of no runtime class, so without its overhead. */
export const anyCopy: fc.Arbitrary<Json> = anyPod.map((pod) => {
  const { overhead: _, ...spec } = pod['spec'] as Json;
  return { ...pod, spec };
});
