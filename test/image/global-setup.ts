/** Before all image tests: an engine, and in it the image, built from clean by `deploy/image/build.ts`. After them: neither. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { buildImage } from '../../deploy/image/build.ts';
import { docker, findOrStartEngine, whyNot } from './engine.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Reference of the image under test. */
    readonly image: string;
    /** Its docker-archive. */
    readonly archive: string;
    /** For DOCKER_HOST; '' leaves it as it is. */
    readonly engine: string;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const obstacle = whyNot();
  if (obstacle !== undefined) throw new Error(obstacle);
  const engine = await findOrStartEngine();
  const work = mkdtempSync(join(tmpdir(), 'pod-checkpointer-archive-'));
  const image = `localhost/pod-checkpointer-test:${process.pid}`;
  const teardown = async () => {
    docker('image', 'rm', '--force', image);
    rmSync(work, { recursive: true, force: true });
    await engine.stop();
  };
  try {
    if (engine.host !== undefined) process.env['DOCKER_HOST'] = engine.host;
    const archive = join(work, 'image.tar');
    const from = performance.now();
    buildImage({ tag: image, output: archive, quiet: true });
    process.stdout.write(`built the image in ${((performance.now() - from) / 1000).toFixed(0)} s\n`);
    project.provide('image', image);
    project.provide('archive', archive);
    project.provide('engine', engine.host ?? '');
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}
