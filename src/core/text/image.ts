/**
 * Image references: the name without tag and digest, the pinned form of what a pod asks for, and how a copy pulls.
 * Pure.
 */

const DIGEST = /@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;
const TAG = /:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
/** The runtime's own id of an image: no name could be made of it. */
const BARE_ID = /^(?:sha256:)?[0-9a-f]{64}$/;
const PINNED = /^[^@\s]+@(sha256:[0-9a-f]{64})$/;

/** The name as the pod spelled it, without tag and digest: `registry:5000/app:1@sha256:…` → `registry:5000/app`. */
export function imageName(image: string): string {
  return image.replace(DIGEST, '').replace(TAG, '');
}

/**
 * What the pod asked for, at the digest that ran; undefined where that cannot be said. Keeps the pod's spelling: the
 * kubelet looks up the credentials an image was pulled with by that very spelling
 * (pkg/kubelet/images/pullmanager: MustAttemptImagePull), so the runtime's longer name would look like another image.
 */
export function pinnedImage(image: string, imageRef: string): string | undefined {
  const digest = PINNED.exec(imageRef)?.[1];
  if (digest === undefined || image === '' || image.trim() !== image || BARE_ID.test(image) || DIGEST.test(image)) return undefined;
  return `${imageName(image)}@${digest}`;
}

/** How a copy pulls: there may be no registry, so only what is missing, and nothing where the pod forbids pulling. */
export function pullPolicy(parents: unknown): 'IfNotPresent' | 'Never' {
  return parents === 'Never' ? 'Never' : 'IfNotPresent';
}
