/** The images of the embedded runtime: each is found by its reference, its id and its digests. */
import type { DemoImage, DemoRuntime } from './runtime-types.ts';

export type DemoImages = Pick<DemoRuntime, 'addImage' | 'removeImage' | 'findImage' | 'images'>;

export function createImages(digestOf: (text: string) => string): DemoImages {
  const images = new Map<string, DemoImage>();
  return {
    addImage({ reference, digest, env }) {
      const id = `sha256:${digestOf(`image ${reference}`)}`;
      const repository = reference.replace(/(@.*|:[^:/]*)$/, '');
      const repoDigests = digest === undefined ? [] : [`${repository}@${digest}`];
      const image: DemoImage = { id, repoTags: [reference], repoDigests, env: env ?? ['PATH=/usr/bin:/bin'] };
      for (const name of [reference, id, ...repoDigests]) images.set(name, image);
      return image;
    },
    removeImage(reference) {
      const image = images.get(reference);
      for (const [name, found] of images) if (found === image) images.delete(name);
    },
    findImage: (reference) => images.get(reference),
    images: () => [...new Set(images.values())],
  };
}
