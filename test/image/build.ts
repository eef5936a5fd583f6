/**
 * Builds the image once, from clean, into a docker-archive, with an engine of its own where none answers; it leaves nothing
 * else. `npm run test:image` with IMAGE_ARCHIVE=FILE tests that one, so that the build can run beside other things.
 *
 * Usage: node test/image/build.ts FILE
 */
import { resolve } from 'node:path';
import { buildImage } from '../../deploy/image/build.ts';
import { docker, findOrStartEngine, whyNot } from './engine.ts';

async function main([file, ...more]: readonly string[]): Promise<number> {
  const obstacle = file === undefined || more.length > 0 ? 'usage: node test/image/build.ts FILE' : whyNot();
  if (file === undefined || obstacle !== undefined) {
    process.stderr.write(`${obstacle}\n`);
    return 2;
  }
  const engine = await findOrStartEngine();
  const tag = `localhost/pod-checkpointer-built:${process.pid}`;
  try {
    if (engine.host !== undefined) process.env['DOCKER_HOST'] = engine.host;
    buildImage({ tag, output: resolve(file), quiet: true });
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    docker('image', 'rm', '--force', tag);
    await engine.stop();
  }
}

process.exitCode = await main(process.argv.slice(2));
