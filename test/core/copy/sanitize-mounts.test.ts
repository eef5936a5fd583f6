/** `subPathExpr` on stored files: the path that the parent got, as a literal, or a refusal. */
import { describe, expect, it } from 'vitest';
import { type CaptureInputs, sanitize } from '../../../src/core/copy/sanitize.ts';
import type { Json } from '../../../src/core/model/model.ts';
import { renderInputs } from '../../../src/core/render/render-inputs.ts';
import type { PodOptions } from '../../../src/core/select/select.ts';
import { accepted, codes, container, copied, file, INLINE, OPTIONS, run, TARGET, tinyPod } from '../pods.ts';
import { podWith, secret, sorted } from '../render/render-objects.ts';

const SECRET: Json = { name: 'v', secret: { secretName: 's' } };
const FILES = [file('tiny/token'), file('debug')];
const AGENT = { ...TARGET, agentImage: 'agent:1' };
const ENV_FILE: PodOptions = { ...OPTIONS, secretEnv: 'env-file' };

const literal = (name: string, value: string): Json => ({ name, value });
const podName: Json = { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } };
const fromSecret: Json = { name: 'KEY', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } };
const mounting = (subPathExpr: string): Json => ({ volumeMounts: [{ name: 'v', mountPath: '/v', subPathExpr }] });

/** A pod with one mount at `expression`, and what its process got. */
function mounted(expression: string, env: readonly Json[], got: Readonly<Record<string, string>>, options = OPTIONS, volume = SECRET) {
  const inputs: CaptureInputs = { volumes: { v: FILES }, containers: { main: container(got) } };
  return run(tinyPod({ volumes: [volume] }, { ...mounting(expression), env }), options, AGENT, inputs);
}
const mountOf = (result: ReturnType<typeof run>, name = 'main'): Json | undefined => (copied(result, name)['volumeMounts'] as Json[])[0];

describe('subPathExpr on a volume that becomes stored files', () => {
  it.each<[string, readonly Json[], Record<string, string>, string]>([
    ['$(POD_NAME)', [podName], { POD_NAME: 'tiny' }, 'tiny'],
    ['$(POD_NAME)/token', [podName], { POD_NAME: 'tiny' }, 'tiny/token'],
    ['$(B)', [literal('A', 'de'), literal('B', '$(A)bug')], { A: 'de', B: 'debug' }, 'debug'],
    ['debug', [], {}, 'debug'],
  ])('%s becomes the path that the parent got', (expression, env, got, expected) => {
    const result = mounted(expression, env, got);
    expect(mountOf(result)).toEqual({ name: 'v', mountPath: '/v', subPath: expected, readOnly: true });
    expect(accepted(result).changes).toContain(
      'spec.containers[0] "main".volumeMounts[0].subPathExpr: became the path that the parent got',
    );
  });

  it.each<[string, string, readonly Json[], Record<string, string>, string]>([
    ['names nothing that is stored', '$(A)', [literal('A', 'gone')], { A: 'gone' }, 'sub-path-missing'],
    ['leaves the volume', '$(A)', [literal('A', '../x')], { A: '../x' }, 'sub-path-missing'],
    ['refers to nothing', '$(A)', [], {}, 'env-not-captured'],
    ['refers to nothing with text in it', 'debug$(A)', [literal('A', '')], { A: '' }, 'env-not-captured'],
  ])('is refused when it %s', (_, expression, env, got, code) => {
    expect(codes(mounted(expression, env, got))).toEqual([code]);
  });

  it.each<[string, string, readonly Json[], Record<string, string>]>([
    ['a Secret', '$(KEY)', [fromSecret], { KEY: 'debug' }],
    ['a Secret by way of another', '$(A)', [fromSecret, literal('A', '$(KEY)')], { KEY: 'debug', A: 'debug' }],
  ])('is written with a value from %s only where the pod accepts that', (_, expression, env, got) => {
    expect(codes(mounted(expression, env, got, ENV_FILE))).toEqual(['secret-env-file']);
    expect(codes(mounted(expression, env, got))).toContain('secret-env');
    expect(mountOf(mounted(expression, env, got, INLINE))).toMatchObject({ subPath: 'debug' });
  });

  it('may stand beside secret variables that it does not use', () => {
    const result = mounted('$(A)', [fromSecret, literal('A', 'debug')], { KEY: 'x', A: 'debug' }, ENV_FILE);
    expect(mountOf(result)).toMatchObject({ subPath: 'debug' });
  });

  it('comes from what the pod says where the runtime has forgotten an init container', () => {
    const init = (env: readonly Json[]) => ({ name: 'init', image: 'app:1', env, ...mounting('$(A)/token') });
    const inputs: CaptureInputs = { volumes: { v: FILES }, containers: { main: container({}) } };
    const sanitized = (env: readonly Json[]) => run(tinyPod({ volumes: [SECRET], initContainers: [init(env)] }), OPTIONS, TARGET, inputs);
    expect(mountOf(sanitized([podName, literal('A', '$(POD_NAME)')]), 'init')).toMatchObject({ subPath: 'tiny/token' });
    expect(codes(sanitized([{ name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } }]))).toEqual(['env-not-captured']);
  });

  it('is expanded by render from what the objects say, and refused where only a node knows', () => {
    const rendered = (env: readonly Json[]) => {
      const spec = { containers: [{ name: 'c', image: 'app:1', env, ...mounting('$(A)') }], volumes: [SECRET] };
      const objects = sorted(podWith(spec), secret('s', { stringData: { web: 'x' } }));
      if (!objects.ok) throw new Error(objects.problems.join('; '));
      const { inputs, reasons } = renderInputs(objects.objects, OPTIONS, TARGET);
      expect(reasons).toEqual([]);
      return sanitize(objects.objects.pod as never, inputs, TARGET, OPTIONS);
    };
    const ip = { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } };
    expect(mountOf(rendered([podName, literal('A', '$(POD_NAME)')]), 'c')).toMatchObject({ subPath: 'web' });
    expect(codes(rendered([{ ...ip, name: 'A' }]))).toEqual(['env-not-captured']);
    expect(codes(rendered([ip, literal('A', 'web$(IP)')]))).toEqual(['env-not-captured']);
  });
});

describe('subPathExpr on a volume that stays', () => {
  it('stays: the copy has a directory of its own, as it has a name of its own', () => {
    const result = mounted('$(POD_NAME)', [podName], { POD_NAME: 'tiny' }, OPTIONS, { name: 'v', emptyDir: {} });
    expect(mountOf(result)).toEqual({ name: 'v', mountPath: '/v', subPathExpr: '$(POD_NAME)' });
  });
});
