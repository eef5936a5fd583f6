/** Helm on the project's own chart: what it renders, and what it says when it refuses. Talks to no cluster that is not named. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { CHART } from '../../deploy/chart.ts';
import type { Json } from '../../src/core/model/model.ts';
import { type CommandResult, runAny } from '../e2e/node/process.ts';

export type Values = Readonly<Record<string, unknown>>;

/** An object of Kubernetes, as far as every one is alike. */
export interface KubernetesObject extends Json {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

export interface Install {
  readonly release?: string;
  readonly namespace?: string;
  /** Of the cluster; default: the one helm knows. */
  readonly kubeVersion?: string;
  /** URL of the cluster's API server; without it helm asks nobody, as for `helm template`. */
  readonly cluster?: string;
  /** It is an upgrade of what is installed there. */
  readonly upgrade?: boolean;
}

export interface Helm {
  /** The rendered text of what is installed, without hooks. Throws with helm's words when it refuses. */
  render(values?: Values, install?: Install): Promise<string>;
  objects(values?: Values, install?: Install): Promise<readonly KubernetesObject[]>;
  /** What the uninstall runs, in its order. */
  hooks(values?: Values, install?: Install): Promise<readonly KubernetesObject[]>;
  /** What helm says when it refuses; throws when it does not. */
  refusal(values: Values, install?: Install): Promise<string>;
  /** What a person reads after `helm install`. */
  notes(values?: Values, install?: Install): Promise<string>;
  lint(values?: Values): Promise<CommandResult>;
  /** Removes what it needed on the disk. */
  close(): void;
}

export function createHelm(program: string): Helm {
  const home = mkdtempSync(join(tmpdir(), 'podckpt-helm-'));
  const env = { HOME: home, PATH: '/usr/bin:/bin' };
  let files = 0;

  async function run(verb: readonly string[], values: Values, tail: readonly string[] = []): Promise<CommandResult> {
    files += 1;
    const file = join(home, `values-${files}.json`);
    writeFileSync(file, JSON.stringify(values));
    return await runAny([program, ...verb, CHART, '--values', file, ...tail], { env });
  }
  const flags = ({ namespace = 'kube-system', kubeVersion, cluster, upgrade }: Install) => [
    // the servers here have no schemas
    ...(cluster === undefined ? [] : ['--dry-run=server', '--disable-openapi-validation', `--kube-apiserver=${cluster}`]),
    ...(upgrade === true ? ['--is-upgrade'] : []),
    `--namespace=${namespace}`,
    ...(kubeVersion === undefined ? [] : [`--kube-version=${kubeVersion}`]),
  ];
  const template = (values: Values, install: Install, more: readonly string[] = []) =>
    run(['template', install.release ?? 'pod-checkpointer'], values, [...flags(install), ...more]);

  async function render(values: Values = {}, install: Install = {}, more = ['--no-hooks']): Promise<string> {
    const { code, stdout, stderr } = await template(values, install, more);
    if (code !== 0) throw new Error(stderr);
    return stdout;
  }
  return {
    render: (values, install) => render(values, install),
    objects: async (values, install) => objectsOf(await render(values, install)),
    hooks: async (values, install) => hooksOf(objectsOf(await render(values, install, []))),
    refusal: async (values, install = {}) => {
      const { code, stdout, stderr } = await template(values, install);
      if (code === 0 || stdout !== '') throw new Error(`not refused: ${JSON.stringify(values)}`);
      return stderr;
    },
    notes: async (values = {}, install = {}) => {
      const verb = ['install', install.release ?? 'pod-checkpointer'];
      const { code, stdout, stderr } = await run(verb, values, [...flags({ ...install }), '--dry-run=client']);
      if (code !== 0) throw new Error(stderr);
      return stdout.slice(stdout.indexOf('\nNOTES:\n') + '\nNOTES:\n'.length);
    },
    lint: (values = {}) => run(['lint', '--strict'], values),
    close: () => rmSync(home, { recursive: true, force: true }),
  };
}

export function objectsOf(text: string): readonly KubernetesObject[] {
  return (loadAll(text) as (KubernetesObject | null)[]).filter((object) => object !== null && object !== undefined);
}

/** Of one weight they are created in the order of their names. */
function hooksOf(objects: readonly KubernetesObject[]): readonly KubernetesObject[] {
  const weight = (object: KubernetesObject): string | undefined => object.metadata.annotations?.['helm.sh/hook-weight'];
  return objects.filter((object) => weight(object) !== undefined).sort((a, b) => Number(weight(a)) - Number(weight(b)));
}

/** The one object of this kind. */
export function only(objects: readonly KubernetesObject[], kind: string): KubernetesObject {
  const [found, ...more] = objects.filter((object) => object.kind === kind);
  if (found === undefined || more.length > 0) throw new Error(`${more.length + (found === undefined ? 0 : 1)} objects of kind ${kind}`);
  return found;
}
