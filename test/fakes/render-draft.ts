/** The smallest draft with a file that is somebody else's, for the tests of rendered directories. No assertions. */
import { REVISION_DIR, type RevisionDraft } from '../../src/core/model/model.ts';

export const SMALL_DRAFT: RevisionDraft = {
  key: 'apps_web',
  manifest: {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web-ckpt', namespace: 'apps' },
    spec: { containers: [{ name: 'c' }], volumes: [{ name: 'v', hostPath: { path: `${REVISION_DIR}/files/v`, type: 'Directory' } }] },
  },
  volumes: { v: [{ path: 'k', mode: 0o440, uid: 4242, gid: 4242, content: new TextEncoder().encode('value') }] },
  record: {
    parent: { namespace: 'apps', name: 'web', uid: '', resourceVersion: '' },
    node: { name: 'node', machineId: '' },
    cluster: '',
    capturedAt: '',
    bootId: '',
    images: [],
    changes: [],
    handBack: 'overlap',
    handBackGraceful: false,
    order: 0,
    maxAgeMs: 0,
    serving: ['c'],
  },
};
