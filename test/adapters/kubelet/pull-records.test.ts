/** The kubelet's records on a disk: found by the image's id, told apart from none, and never written to. */
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPullRecords } from '../../../src/adapters/kubelet/pull-records.ts';

const ID = `sha256:${'1'.repeat(64)}`;
const RECORD = `{"kind":"ImagePulledRecord","apiVersion":"kubelet.config.k8s.io/v1beta1","lastUpdatedTime":"2026-11-21T08:00:00Z","imageRef":"${ID}","credentialMapping":{"app":{"nodePodsAccessible":true}}}\n`;

let root: string;
const pulled = (): string => join(root, 'image_manager', 'pulled');
const recordFile = (): string => join(pulled(), `sha256-${createHash('sha256').update(ID).digest('hex')}`);
const records = (configFile = '') => createPullRecords({ rootDir: root, configFile });

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pull-records-'));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

describe('records', () => {
  it('are off where the kubelet has no directory for them', async () => {
    expect(await records().find(ID)).toBe('off');
  });

  it('of an image that the kubelet did not pull are none', async () => {
    await mkdir(pulled(), { recursive: true });

    expect(await records().find(ID)).toBe('none');
  });

  it('are found under the digest of the image id, and left as they were', async () => {
    await mkdir(pulled(), { recursive: true });
    await writeFile(recordFile(), RECORD, { mode: 0o600 });
    const before = await stat(recordFile(), { bigint: true });

    expect(await records().find(ID)).toMatchObject({ imageRef: ID, credentials: { app: { nodePodsAccessible: true } } });

    const after = await stat(recordFile(), { bigint: true });
    expect([after.ino, after.mtimeNs, after.mode]).toEqual([before.ino, before.mtimeNs, before.mode]);
    expect((await readdir(pulled())).length).toBe(1);
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ['make no sense', () => writeFile(recordFile(), '{"kind":"Secret"}'), 'invalid'],
    ['are a directory', () => mkdir(recordFile()), 'invalid'],
    ['are a link', () => symlink('/etc/hostname', recordFile()), 'failed'],
    ['are endless', () => writeFile(recordFile(), 'x'.repeat(2_000_000)), 'invalid'],
  ])('that %s are unknown', async (_, make, kind) => {
    await mkdir(pulled(), { recursive: true });
    await make();

    await expect(records().find(ID)).rejects.toMatchObject({ name: 'PortError', kind });
  });
});

describe('the policy', () => {
  const file = (): string => join(root, 'config.yaml');

  it("is the kubelet's default without a file, or with none to look at", async () => {
    expect((await records(file()).policy()).mode).toBe('NeverVerifyPreloadedImages');
    expect((await records('').policy()).mode).toBe('NeverVerifyPreloadedImages');
  });

  it('follows the file', async () => {
    const subject = records(file());
    await writeFile(file(), 'kind: KubeletConfiguration\nimagePullCredentialsVerificationPolicy: NeverVerify\n');
    expect((await subject.policy()).mode).toBe('NeverVerify');

    await writeFile(file(), 'kind: KubeletConfiguration # a comment\nimagePullCredentialsVerificationPolicy: AlwaysVerify\n');

    expect((await subject.policy()).mode).toBe('AlwaysVerify');
  });

  it('is unknown when the file is no configuration of a kubelet', async () => {
    await writeFile(file(), 'kind: [');
    await chmod(file(), 0o600);

    await expect(records(file()).policy()).rejects.toMatchObject({ kind: 'invalid' });
  });
});
