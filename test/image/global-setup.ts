/**
 * Before all image tests: an engine, and in it the image, built from clean by `deploy/image/build.ts`, or the one of the
 * docker-archive IMAGE_ARCHIVE, which test/image/build.ts built so. After them: neither.
 */
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

function loadImage(archive: string, image: string): void {
  const { code, said } = docker('load', '--input', archive);
  const loaded = /^Loaded image: (\S+)$/m.exec(said)?.[1];
  if (code !== 0 || loaded === undefined) throw new Error(`${archive} cannot be loaded: ${said.trim()}`);
  const tagged = docker('tag', loaded, image);
  if (tagged.code !== 0) throw new Error(tagged.said.trim());
  docker('image', 'rm', loaded);
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
    const ready = process.env['IMAGE_ARCHIVE'];
    const archive = ready ?? join(work, 'image.tar');
    const from = performance.now();
    if (ready === undefined) buildImage({ tag: image, output: archive, quiet: true });
    else loadImage(ready, image);
    process.stdout.write(`${ready === undefined ? 'built' : 'loaded'} the image in ${((performance.now() - from) / 1000).toFixed(0)} s\n`);
    project.provide('image', image);
    project.provide('archive', archive);
    project.provide('engine', engine.host ?? '');
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}
