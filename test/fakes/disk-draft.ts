/**
 * Drafts for the tests of the disk: small, complete, and with the awkward parts (nested paths, odd modes, binary).
 * Owners are those of the test itself, so that no test needs root.
 */
import { type CapturedFile, type Ledger, REVISION_DIR, type RevisionDraft } from '../../src/core/model/model.ts';

export const UID = process.getuid?.() ?? 0;
export const GID = process.getgid?.() ?? 0;

export function file(path: string, content: string | Uint8Array, mode = 0o644): CapturedFile {
  return { path, mode, uid: UID, gid: GID, content: Buffer.from(content) };
}

/** A pod with a configMap and a secret volume; `version` makes another revision. */
export function draft(version = 'one', name = 'web'): RevisionDraft {
  return {
    key: `default_${name}`,
    manifest: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `${name}-ckpt`, namespace: 'default', annotations: { note: `line one\nünï ${version}` } },
      spec: {
        containers: [{ name: 'main', image: 'registry.invalid/web@sha256:00' }],
        volumes: [
          { name: 'config', hostPath: { path: `${REVISION_DIR}/files/config`, type: 'Directory' } },
          { name: 'secret', hostPath: { path: `${REVISION_DIR}/files/secret`, type: 'Directory' } },
        ],
      },
    },
    volumes: {
      config: [file('app.yaml', `version: ${version}\n`), file('sub/dir/pass', 'nested', 0o400), file('empty', '')],
      secret: [file('token', Uint8Array.from([0, 255, 128, 10, 13]), 0o600)],
      nothing: [],
    },
    record: {
      parent: { namespace: 'default', name, uid: 'uid-1', resourceVersion: '7', controller: { kind: 'DaemonSet', name, uid: 'ds-1' } },
      node: { name: 'node-1', machineId: 'machine-1' },
      cluster: 'cluster-1',
      capturedAt: '2026-01-02T03:04:05Z',
      bootId: 'boot-1',
      images: [{ container: 'main', image: 'registry.invalid/web:1', imageRef: 'registry.invalid/web@sha256:00' }],
      changes: ['dropped nodeSelector'],
      handBack: 'container',
      handBackGraceful: false,
      order: 0,
      maxAgeMs: 86_400_000,
      serving: ['main'],
    },
  };
}

/** The same parent captured again later: nothing that counts has changed. */
export function capturedLater(earlier: RevisionDraft): RevisionDraft {
  const { record } = earlier;
  return {
    ...earlier,
    record: { ...record, capturedAt: '2026-01-03T00:00:00Z', bootId: 'boot-2', parent: { ...record.parent, resourceVersion: '99' } },
  };
}

export function ledger(attempt = 1): Ledger {
  return {
    formatVersion: 1,
    placed: [
      {
        key: 'default_web',
        file: 'podckpt-default-web-00000000.json',
        digest: 'd'.repeat(64),
        revision: 'r'.repeat(32),
        why: 'parent-absent',
        attempt,
        placedAt: '2026-01-02T03:04:05Z',
        bootId: 'boot-1',
        phase: 'placed',
        knownContainers: ['c1'],
      },
    ],
    handBacks: [
      {
        key: 'default_web',
        toUid: 'uid-2',
        at: '2026-01-02T03:04:05Z',
        bootId: 'boot-1',
        failures: 1,
        blockedUntil: '2026-01-02T04:00:00Z',
      },
    ],
  };
}
