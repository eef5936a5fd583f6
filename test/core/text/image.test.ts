/** Names of images and their pinned form: the pod's own spelling must survive. */
import { expect, it } from 'vitest';
import { imageName, pinnedImage } from '../../../src/core/text/image.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

it.each([
  ['app', 'app'],
  ['app:1', 'app'],
  ['registry:5000/app', 'registry:5000/app'],
  ['registry:5000/team/app:v1.2-3', 'registry:5000/team/app'],
  [`registry:5000/app@${DIGEST}`, 'registry:5000/app'],
  [`app:latest@${DIGEST}`, 'app'],
])('the name of %s is %s', (image, name) => {
  expect(imageName(image)).toBe(name);
});

it.each([
  ['a short name keeps its spelling', 'app:1', `docker.io/library/app@${DIGEST}`, `app@${DIGEST}`],
  ['a registry with a port', 'registry:5000/app', `registry:5000/app@${DIGEST}`, `registry:5000/app@${DIGEST}`],
  ['a digest stays as it was given', `app:1@${DIGEST}`, `app@${DIGEST}`, undefined],
  ['an id has no name', 'b'.repeat(64), `app@${DIGEST}`, undefined],
  ['an id with its algorithm has none either', `sha256:${'b'.repeat(64)}`, `app@${DIGEST}`, undefined],
  ['the runtime knows only an id', 'app:1', DIGEST, undefined],
  ['the runtime knows nothing', 'app:1', '', undefined],
])('%s', (_, image, imageRef, pinned) => {
  expect(pinnedImage(image, imageRef)).toBe(pinned);
});
