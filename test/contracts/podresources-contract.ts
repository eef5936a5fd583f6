/** What every KubeletPods must do. Run against the kubelet stand-in, and by the end-to-end tests against a real kubelet. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKubeletPods } from '../../src/adapters/kubelet/podresources.ts';
import type { PodName } from '../../src/core/model/model.ts';
import type { KubeletPods } from '../../src/ports.ts';
import { kind } from './cri-contract.ts';

export interface PodResourcesSubject {
  readonly socket: string;
  /** Pods the kubelet knows; it may know more. */
  readonly pods: readonly PodName[];
  kill(): Promise<void>;
  restart(): Promise<void>;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  dispose(): Promise<void>;
}

export function podResourcesContract(name: string, setup: () => Promise<PodResourcesSubject>): void {
  describe(`${name} keeps the contract of KubeletPods`, () => {
    let subject: PodResourcesSubject;
    let pods: KubeletPods;

    beforeEach(async () => {
      subject = await setup();
      pods = createKubeletPods({ socket: subject.socket });
    });
    afterEach(async () => {
      pods.close();
      await subject.dispose();
    });

    it('lists the pods this kubelet knows', async () => {
      expect(await pods.list(2000)).toEqual(expect.arrayContaining([...subject.pods]));
    });

    it('says unavailable while the kubelet is dead, and answers the first call after its return', async () => {
      await pods.list(2000);
      await subject.kill();
      await expect(pods.list(2000)).rejects.toMatchObject({ ...kind('unavailable'), message: expect.stringContaining(subject.socket) });
      await subject.restart();
      await expect(pods.list(5000)).resolves.toBeDefined();
    });

    it('gives up on a frozen kubelet at the deadline, and works again when it thaws', async () => {
      await pods.list(2000);
      await subject.freeze();
      await expect(pods.list(150)).rejects.toMatchObject(kind('unavailable'));
      await subject.thaw();
      expect(await pods.list(5000)).toEqual(expect.arrayContaining([...subject.pods]));
    });
  });
}
