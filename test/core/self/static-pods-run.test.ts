/** Does the kubelet start what is placed in staticPodPath? Told by the standby, which is always placed. */
import { describe, expect, it } from 'vitest';
import { seen, unseen } from '../../../src/core/model/model.ts';
import { FIRST_LOOK, type StandbyLook, UNREAD_MS, unreadSentence, watchStart } from '../../../src/core/self/static-pods-run.ts';
import { anObservation, nothing } from '../../fakes/builders.ts';
import { own, placedOf, standbyRuns } from '../standbys.ts';

const checkpoint = own('agent-1', 'a1');
const placed = placedOf(checkpoint);
const { sandbox } = standbyRuns('agent-1', 's1');
const lies = seen([{ file: placed.file, digest: placed.digest }]);
const look = (now: number, change: Partial<StandbyLook> = {}): StandbyLook => ({
  checkpoint,
  placed,
  o: anObservation({ now, manifests: lies, runtime: seen(nothing) }),
  ...change,
});
const at = (now: number, change: Parameters<typeof anObservation>[0]): StandbyLook => ({
  checkpoint,
  placed,
  o: anObservation({ now, manifests: lies, runtime: seen(nothing), ...change }),
});
const shows = seen({ sandboxes: [sandbox], containers: [] });
const after = (...looks: readonly StandbyLook[]) => looks.reduce(watchStart, FIRST_LOOK).verdict;

describe('the directory', () => {
  it.each<[string, readonly StandbyLook[], string]>([
    ['is not judged before 30 s', [look(0), look(UNREAD_MS - 1)], 'unknown'],
    ['is not read when the standby lay there for 30 s and the runtime has no sandbox of it', [look(0), look(UNREAD_MS)], 'unread'],
    ['is read when it has one, be it not ready', [look(0), at(UNREAD_MS, { runtime: shows })], 'read'],
    ['stays read', [at(0, { runtime: shows }), look(1), look(900_000)], 'read'],
    ['is read after all', [look(0), look(UNREAD_MS), at(UNREAD_MS + 1, { runtime: shows })], 'read'],
    ['is not judged while the runtime does not answer', [look(0), at(900_000, { runtime: unseen('refused') })], 'unknown'],
    [
      'has 30 s from the first answer of the runtime on',
      [at(0, { runtime: unseen('refused') }), look(900_000), look(900_000 + UNREAD_MS - 1)],
      'unknown',
    ],
    ['stays not read while nobody answers', [look(0), look(UNREAD_MS), at(900_000, { runtime: unseen('refused') })], 'unread'],
    ['is not judged before the standby lies there', [at(0, { manifests: seen([]) }), at(900_000, { manifests: seen([]) })], 'unknown'],
    [
      'is not judged by a foreign file',
      [0, 900_000].map((now) => at(now, { manifests: seen([{ file: placed.file, digest: 'other' }]) })),
      'unknown',
    ],
    ['is not judged while it cannot be listed', [0, 900_000].map((now) => at(now, { manifests: unseen('no') })), 'unknown'],
    ['counts on where it is not listed in between', [look(0), at(UNREAD_MS, { manifests: unseen('not asked') })], 'unread'],
    [
      'counts on where the standby is placed again',
      [look(0), look(UNREAD_MS, { placed: { ...placed, attempt: 2, digest: 'next' } })],
      'unread',
    ],
    ['is not judged before we are captured', [0, 900_000].map((now) => look(now, { checkpoint: undefined, placed: undefined })), 'unknown'],
    ['is not judged any more when the standby is taken away', [look(0), look(UNREAD_MS), look(40_000, { placed: undefined })], 'unknown'],
    [
      'is not judged by a standby that leaves',
      [0, 900_000].map((now) => look(now, { placed: { ...placed, phase: 'leaving' } })),
      'unknown',
    ],
    [
      'is not read by the kubelet that runs the standby of another pod',
      [0, UNREAD_MS].map((now) => at(now, { runtime: seen({ sandboxes: [standbyRuns('agent-0', 's0').sandbox], containers: [] }) })),
      'unread',
    ],
  ])('%s', (_name, looks, verdict) => {
    expect(after(...looks)).toBe(verdict);
  });

  it('is named in the sentence, with what to check', () => {
    expect(unreadSentence('/etc/manifests', placed.file)).toMatch(/staticPodPath \/etc\/manifests .*: check .*kubelet.*podckpt-/);
  });
});
