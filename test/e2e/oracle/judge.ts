/** Takes random parents through the product's own selection and sanitizer, and the copies to the kubelets of their versions. */

import { type SanitizeTarget, sanitize } from '../../../src/core/copy/sanitize.ts';
import { field, fieldAt, textField } from '../../../src/core/model/json.ts';
import { ANNOTATION_ATTEMPT, ANNOTATION_REVISION, copyFullName } from '../../../src/core/model/keys.ts';
import { encodeManifest, resolveRevisionDir, sha256, withAnnotations } from '../../../src/core/model/manifest.ts';
import type { Json, RawPod } from '../../../src/core/model/model.ts';
import { select } from '../../../src/core/select/select.ts';
import { KUBELETS, type KubeletLine } from '../components.ts';
import { captureOf, captureOfCopy, SECRET_MARK } from './capture.ts';
import type { File, Oracle } from './oracle.ts';
import { AGENT_IMAGE, lostFromCopy, shuffled, widened } from './properties.ts';
import { createRandom, type Random } from './random.ts';

export type Oracles = Readonly<Record<KubeletLine, Oracle>>;

export interface Parent {
  readonly index: number;
  /** As an API server would list it. */
  readonly pod: Json;
  readonly node: string;
}

export interface Verdict {
  readonly parent: Parent;
  /** Codes of the refusal; empty: a copy was made. */
  readonly refused: readonly string[];
  readonly manifest?: string;
  /** What does not hold. */
  readonly problems: readonly string[];
}

interface Attempt extends Verdict {
  readonly problems: string[];
  readonly fullName?: string;
  readonly kubelets: readonly KubeletLine[];
}

const DIRECTORY = '/var/lib/pod-checkpointer/checkpoints/k/revisions/r';
const MINORS = [34, 37, undefined] as const;

/** The pod's own chance: the same for every run that asks for this pod. */
export function randomOf(seed: number, index: number): Random {
  return createRandom(Number.parseInt(sha256(`${seed} ${index}`).slice(0, 8), 16));
}

/** Parents of one call must have names of their own and one node. */
export async function judgeParents(parents: readonly Parent[], oracles: Oracles, seed: number): Promise<readonly Verdict[]> {
  const attempts = parents.map((parent) => attemptOf(parent, seed));
  const node = parents[0]?.node ?? '';
  for (const line of KUBELETS) {
    const asked = attempts.filter((attempt) => attempt.manifest !== undefined && attempt.kubelets.includes(line));
    if (asked.length === 0) continue;
    const files: readonly File[] = asked.map((attempt) => ({ name: `${attempt.parent.index}.json`, text: attempt.manifest ?? '' }));
    const answer = await oracles[line].judge(files, node);
    for (const attempt of asked) {
      const understood = answer.accepted.get(attempt.fullName ?? '');
      const why = answer.problems.get(`${attempt.parent.index}.json`) ?? 'without a word in its log';
      if (understood === undefined) attempt.problems.push(`kubelet ${line} refuses it: ${why}`);
      else {
        const spec = fieldAt(JSON.parse(attempt.manifest ?? ''), 'spec');
        attempt.problems.push(...lostFromCopy(spec, understood, line).map((path) => `kubelet ${line} drops ${path}`));
      }
    }
  }
  return attempts;
}

function targetOf(node: string, r: Random): SanitizeTarget {
  const kubeletMinor = r.pick(MINORS);
  return {
    nodeName: node,
    ...(kubeletMinor === undefined ? {} : { kubeletMinor }),
    ...(r.chance(0.3) ? { kubernetesService: { host: 'api.example.com', port: 6443 } } : {}),
    ...(r.chance(0.2) ? { literalHostIp: true } : {}),
    ...(r.chance(0.8) ? { agentImage: AGENT_IMAGE } : {}),
  };
}

/** Values of Secrets may stand in a copy only where the pod says so; a kubelet that is not known to read files gets none. */
function exposed(secretEnv: string, manifest: string, minor: number | undefined): readonly string[] {
  const problems: string[] = [];
  if (secretEnv !== 'inline' && manifest.includes(SECRET_MARK)) problems.push("a Secret's value stands in the copy");
  if ((minor ?? 0) < 35 && manifest.includes('"fileKeyRef"')) problems.push('an older kubelet would leave out the values of files');
  return problems;
}

function attemptOf(parent: Parent, seed: number): Attempt {
  const r = randomOf(seed, -1 - parent.index);
  const target = targetOf(parent.node, r);
  const minor = target.kubeletMinor;
  const kubelets = KUBELETS.filter((line) => minor === undefined || line === `1.${minor}`);
  const pod = parent.pod as unknown as RawPod;
  const selection = select(pod, { namespaces: ['*'], nodeName: parent.node });
  const refusedWith = (codes: readonly string[]): Attempt => ({ parent, kubelets, refused: [...new Set(codes)], problems: [] });
  if (selection.kind === 'ignored') return { ...refusedWith(['ignored']), problems: ['the selection ignores it'] };
  if (selection.kind === 'refused') return refusedWith(selection.reasons.map((reason) => reason.code));
  const inputs = captureOf(pod, r);
  const result = sanitize(pod, inputs, target, selection.options);
  if (!result.ok) {
    const codes = result.reasons.map((reason) => reason.code);
    const attempt = refusedWith(codes);
    if (codes.includes('internal-api-reference')) attempt.problems.push('the sanitizer trips over its own check');
    return attempt;
  }
  const placed = resolveRevisionDir(result.manifest, DIRECTORY);
  const problems = [...widened(parent.pod, placed, DIRECTORY), ...exposed(selection.options.secretEnv, encodeManifest(placed), minor)];

  const reversed = Object.fromEntries(
    Object.entries(inputs.containers).map(([name, captured]) => [name, { ...captured, env: [...captured.env].reverse() }]),
  );
  const again = sanitize(shuffled(pod) as RawPod, { volumes: inputs.volumes, containers: reversed }, target, selection.options);
  if (!again.ok || encodeManifest(again.manifest) !== encodeManifest(result.manifest))
    problems.push('another order of keys gives another copy');

  // the other way to the API server is in the copy already; our own container has no environment
  const { kubernetesService: _, ...sameNode } = target;
  const twice = sanitize(placed as unknown as RawPod, captureOfCopy(placed, inputs), sameNode, {
    ...selection.options,
    secretEnv: 'inline',
  });
  if (!twice.ok) problems.push(`sanitized again, it is refused: ${twice.reasons.map((reason) => reason.message).join('; ')}`);
  else if (encodeManifest(specOf(twice.manifest)) !== encodeManifest(specOf(placed))) problems.push('sanitized again, it is another');

  const manifest = encodeManifest(withAnnotations(placed, { [ANNOTATION_REVISION]: sha256('revision'), [ANNOTATION_ATTEMPT]: '1' }));
  const metadata = field(placed, 'metadata');
  const name = copyFullName(textField(metadata, 'name') ?? '', parent.node);
  return { parent, kubelets, refused: [], manifest, fullName: `${textField(metadata, 'namespace') ?? 'default'}/${name}`, problems };
}

const specOf = (manifest: Json): Json => field(manifest, 'spec') as Json;
