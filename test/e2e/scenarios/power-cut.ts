/** The reason the product exists: the power goes, the API server stays away, and the pods serve again. */
import { backToNormal, copiesServe, type Serving } from '../copies.ts';
import { check, dependsOnKubelet, expect, given, remembered, type Scenario, type World } from '../scenario.ts';
import { leakedSecrets } from '../secrets.ts';
import { HOST_URL, type Inside, lookInside, type Parents, POD_PORT, parentsReady, restartsAfter, type Which } from '../workload.ts';

function filesComplaint(which: Which, parent: Inside, copy: Inside): string | undefined {
  const key = (file: Inside['files'][number]) => `${file.path} mode ${file.mode} owner ${file.uid}:${file.gid}`;
  const inCopy = new Map(copy.files.map((file) => [file.path, file]));
  for (const file of parent.files) {
    const twin = inCopy.get(file.path);
    if (twin === undefined) return `${which}: ${file.path} is missing in the copy`;
    if (twin.problem !== undefined) return `${which}: ${file.path} in the copy: ${twin.problem}`;
    if (key(twin) !== key(file)) return `${which}: parent had ${key(file)}, the copy has ${key(twin)}`;
    if (twin.content !== file.content) return `${which}: ${file.path} has other bytes in the copy`;
  }
  return undefined;
}

async function compare(world: World, which: Which, url: string): Promise<void> {
  const parent = remembered(world.memory.inside[which], `what the ${which} parent saw`);
  const copy = await lookInside(world.node, url);
  const complaint = filesComplaint(which, parent, copy);
  expect(complaint === undefined, complaint ?? '');
  // POD_NAME comes from the pod's own name, and a copy's name has a suffix; HOSTNAME is what the kubelet makes of it.
  const differing = parent.env.filter((entry) => {
    if (entry.startsWith('HOSTNAME=')) return false;
    if (entry.startsWith('POD_NAME=')) return !copy.env.some((other) => other.startsWith(entry));
    return !copy.env.includes(entry);
  });
  expect(differing.length === 0, `${which}: environment differs: parent ${differing.join(' ')}; copy ${copy.env.join(' ')}`);
}

export const powerCut: Scenario = {
  id: 'power-cut',
  title: 'After a power cut with the API server down both pods serve again, with the same files',
  needs: ['capture'],
  kubelet: dependsOnKubelet('the kubelet must take the sanitized manifest and start it by itself'),
  steps: () => {
    let serving: Serving | undefined;
    let parents: Parents | undefined;
    const before = [
      given('both parents are Ready and what they see is on record', async ({ node, memory }) => {
        parents = await parentsReady(node, 60_000);
        memory.parents = parents;
        memory.inside.host = await lookInside(node, HOST_URL);
        memory.inside.pod = await lookInside(node, `http://${parents.pod.address}:${POD_PORT}`);
      }),
    ];
    const offline = [
      check('both copies serve', async (world) => {
        serving = await copiesServe(world);
      }),
      check(
        'every secret, configMap, projected and token file is there, same bytes, mode and owner; so is the environment',
        async (world) => {
          await compare(world, 'host', HOST_URL);
          await compare(world, 'pod', remembered(serving, 'the copies').podCopyUrl.replace(/\/$/, ''));
        },
      ),
      check(
        'no secret is in the log, the metrics, the status, what commands print, file names and bookkeeping',
        async ({ node, memory }) => {
          const leaked = await leakedSecrets(node, memory);
          expect(leaked === '', leaked);
        },
      ),
    ];
    const after = [
      check(
        'the parents are Ready again, restarted once by the power cut; the copies are gone, the checkpoints are kept',
        async (world) => {
          await backToNormal(world, restartsAfter(remembered(parents, 'the parents'), 1), 240_000);
        },
      ),
    ];
    return { before, offline, after };
  },
};
