/**
 * A node's disk fills while the API server is away, and the kubelet evicts a pod: no copy takes its place before there is room.
 *
 * It runs where the parents of the other scenarios are gone: a kubelet under pressure evicts every pod that is not critical.
 */
import { readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { newContainerOf } from '../copies.ts';
import { kubeletConfigured, reconfigured, startedSince } from '../evidence.ts';
import { foreignComplaint, foreignFiles } from '../foreign.ts';
import { fillDisk, freeDisk } from '../node/faults.ts';
import type { Node } from '../node/node.ts';
import { done, holds, notYet, until } from '../node/wait.ts';
import { check, expect, given, type Scenario, sameOnEveryKubelet, when } from '../scenario.ts';
import { apply, captured, copyAnswers, copyGone, podsReady, remove, retired, type Server, serverObject } from '../servers.ts';
import { checkpointStatus, ownManifests } from '../status.ts';

/** Why a copy does not start on a node without room, as the status says it. */
const UNDER_PRESSURE = 'node-under-pressure';

const NAME = 'evicted';
const SERVER: Server = { kind: 'DaemonSet', name: NAME, port: 8086, hostNetwork: true, enabled: true };
/** Short for the test: what keeps the copy down for longer is the pressure alone. */
const GRACES = { endedGrace: '5s', orphanGrace: '2s', retireGrace: '2s' } as const;
const WATCHED_MS = 20_000;
/** What others write to this disk meanwhile must neither bring the pressure nor end it. */
const MOST_SPACE = 4 * 1024 ** 3;

/** How much must be free for the kubelet, less than there is, and how much to take so that it is not. */
export function eviction(freeBytes: number): { readonly threshold: number; readonly fill: number } {
  const space = Math.min(MOST_SPACE, Math.floor(freeBytes / 4));
  return { threshold: freeBytes - space, fill: 2 * space };
}

function kubeletKeys(threshold: number): Readonly<Record<string, unknown>> {
  return {
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': String(threshold), 'imagefs.available': '1%' },
    evictionPressureTransitionPeriod: '5s',
  };
}

function freeBytes({ paths }: Node): number {
  const { bavail, bsize } = statfsSync(paths.kubelet);
  return bavail * bsize;
}

export const evicted: Scenario = {
  id: 'evicted',
  title: 'Without the API server the kubelet evicts a pod from a full disk: no copy starts before there is room again',
  needs: ['retire'],
  kubelet: sameOnEveryKubelet('a pod that its kubelet ended is one on each, and the disk is asked without it'),
  steps: () => {
    let fill = 0;
    let checkpoint = '';
    let uid = '';
    let next = '';
    let stoppedAt = 0;
    return [
      given('a kubelet that wants almost all room that there is, and a captured pod beside static ones', async ({ node }) => {
        const { threshold, fill: wanted } = eviction(freeBytes(node));
        fill = wanted;
        await kubeletConfigured(node, kubeletKeys(threshold));
        await reconfigured(node, GRACES);
        await apply(node, [serverObject(SERVER)]);
        const pod = (await podsReady(node, [NAME], 120_000))[NAME];
        ({ checkpoint, uid } = pod);
        await captured(node, [checkpoint]);
      }),
      when('the API server goes, the disk fills, and the kubelet evicts the pod', async (world) => {
        const { node } = world;
        const log = join(node.paths.logs, 'kubelet.log');
        const from = readFileSync(log).length;
        stoppedAt = Date.now();
        await node.apiStop();
        await fillDisk(node, fill);
        await until(
          'the pod evicted',
          async () => {
            const state = newContainerOf(await node.cri.pods(), uid, 0)?.state ?? 'none';
            const said = readFileSync(log).subarray(from).includes('pod is evicted successfully');
            return state !== 'RUNNING' && said
              ? done()
              : notYet(`its container: ${state}; the kubelet ${said ? 'says so' : 'does not say so'}`);
          },
          180_000,
          500,
        );
        world.figure('disk full → pod evicted', Date.now() - stoppedAt, 'ms');
      }),
      check('the status says that no copy starts because of the pressure', async ({ node }) => {
        await until(
          `the reason ${UNDER_PRESSURE}`,
          async () => {
            const own = (await checkpointStatus(node)).find((one) => one.checkpoint === checkpoint);
            return own?.state === 'inactive' && own.reason === UNDER_PRESSURE ? done() : notYet(JSON.stringify(own));
          },
          60_000,
          500,
        );
      }),
      check(`for ${WATCHED_MS / 1000} s none starts`, async ({ node }) => {
        await holds('nothing starts', () => startedSince(node, stoppedAt), WATCHED_MS);
      }),
      when('there is room on the disk', async ({ node }) => {
        freeDisk(node);
      }),
      check('the copy starts, and serves', async (world) => {
        const from = Date.now();
        await copyAnswers(world.node, checkpoint, SERVER.port, 120_000);
        world.figure('room → the copy serves', Date.now() - from, 'ms');
      }),
      when('the API server is back', async ({ node }) => {
        await node.apiStart();
        await node.apiReady();
        await node.controllersRestart();
      }),
      check("the DaemonSet's next pod takes over, and nothing of the copy is left", async ({ node }) => {
        next = await until(
          'another pod',
          async () => {
            const pod = (await podsReady(node, [NAME], 1_000))[NAME];
            return pod.uid === uid ? notYet('the API server has not heard of the eviction') : done(pod.checkpoint);
          },
          240_000,
        );
        await copyGone(node, checkpoint, 180_000);
        await captured(node, [next]);
      }),
      when('it is deleted for good; the kubelet is as before, and has all images', async ({ node }) => {
        await remove(node, [SERVER]);
        await kubeletConfigured(node, {});
        await node.importOwnImages();
      }),
      check('its checkpoints go too, and the files of others are as before', async (world) => {
        const { node, memory } = world;
        await retired(world, [checkpoint, next]);
        await reconfigured(node, {});
        expect(ownManifests(node).length === 0, `manifests of ours: ${ownManifests(node).join(' ')}`);
        const touched = foreignComplaint(memory.foreign, foreignFiles(node));
        expect(touched === undefined, touched ?? '');
      }),
    ];
  },
};
