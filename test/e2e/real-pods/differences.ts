/**
 * The allow-list: every way in which a copy may look other than its parent from inside, with the reason. What is not listed
 * here fails the scenario, and so does a line that no pod needed.
 */
import type { Facts } from './inside.ts';
import type { Identity, RealPod } from './pods.ts';

interface Case {
  readonly parent: string | undefined;
  readonly copy: string | undefined;
  readonly was: Identity;
  readonly is: Identity;
}

interface Allowed {
  /** `pod: container: fact`, whole. */
  readonly where: RegExp;
  readonly because: string;
  /** What the difference must be; any other one is still a fault. */
  readonly onlyIf: (difference: Case) => boolean;
}

/** Where Secrets and tokens are mounted; volumes in memory that are the pod's own must stay in memory. */
const SECRET_MOUNTS = [
  '/var/run/secrets/kubernetes.io/serviceaccount',
  '/etc/ingress/tls',
  '/etc/kubernetes/pki',
  '/etc/kubernetes/service-account.pub',
  '/var/run/mesh',
  '/var/run/vault',
  '/vault/config',
];
const CONFIG_MOUNTS = ['/config', '/etc/coredns', '/etc/coredns/custom', '/etc/kubernetes/audit', '/var/lib/kube-proxy', '/etc/shipper'];
const BOOT = /machine-\d+\.ready$/;
const STORED_DIRECTORY = 'd mode 0755 owner 0:0';

const ALLOWED: readonly Allowed[] = [
  {
    where: /: env POD_NAME$/,
    because: 'metadata.name is asked of the kubelet again: a copy has a name of its own',
    onlyIf: ({ parent, copy, was, is }) => parent === was.name && copy === is.name,
  },
  {
    where: /: env POD_UID$/,
    because: 'metadata.uid is asked of the kubelet again: a copy has a uid of its own',
    onlyIf: ({ parent, copy, was, is }) => parent === was.uid && copy === is.uid,
  },
  {
    where: /: (env (POD_IP|INSTANCE_IP)|hosts .*)$/,
    because: 'a pod of its own gets an address of its own; status.podIP and /etc/hosts say so',
    onlyIf: ({ parent, copy, was, is }) => parent === was.address && copy === is.address,
  },
  {
    where: /^mesh-app: mesh-proxy: bytes \/etc\/mesh\/pod\/(labels|annotations)$/,
    because: "a volume of all labels or annotations shows the copy's own: a controller's are gone, the product's are there",
    onlyIf: ({ parent, copy }) => parent !== undefined && copy !== undefined,
  },
  {
    where: new RegExp(`: mount (${SECRET_MOUNTS.join('|')}) type$`),
    because: 'secrets and tokens must survive the power cut: the kubelet keeps them in memory, the checkpoint on the disk',
    onlyIf: ({ parent, copy }) => parent === 'tmpfs' && copy !== undefined && copy !== 'tmpfs',
  },
  {
    where: new RegExp(`: file (${[...SECRET_MOUNTS, ...CONFIG_MOUNTS].join('|')})$`),
    because: "the kubelet opens a volume's root for all to write and then mounts it read-only; a stored one is 0755 and read-only",
    onlyIf: ({ parent, copy }) => /^d mode [0-3]777 owner 0:\d+$/.test(parent ?? '') && copy === STORED_DIRECTORY,
  },
  {
    where: /^mesh-app: mesh-proxy: file \/var\/run\/mesh\/tokens$/,
    because: 'with an fsGroup the kubelet hands directories inside a volume to the group; stored ones are open to all, their files are not',
    onlyIf: ({ parent, copy }) => parent === 'd mode 2755 owner 0:1337' && copy === STORED_DIRECTORY,
  },
  {
    where: /^node-exporter: exporter: first process$/,
    because: "the machine's first process, seen by a pod with hostPID, carries the number of the boot in these tests",
    onlyIf: ({ parent = '', copy = '' }) => parent.replace(BOOT, '') === copy.replace(BOOT, '') && BOOT.test(parent),
  },
];

export interface Comparison {
  /** One line for every difference that nothing allows. */
  readonly faults: readonly string[];
  /** Reasons that were needed. */
  readonly used: ReadonlySet<string>;
}

export function compare(which: RealPod, parent: Facts, copy: Facts, was: Identity, is: Identity): Comparison {
  const faults: string[] = [];
  const used = new Set<string>();
  for (const name of [...new Set([...parent.keys(), ...copy.keys()])].sort()) {
    const difference = { parent: parent.get(name), copy: copy.get(name), was, is };
    if (difference.parent === difference.copy) continue;
    const where = `${which}: ${name}`;
    const allowed = ALLOWED.find((line) => line.where.test(where) && line.onlyIf(difference));
    if (allowed === undefined) faults.push(`${where}: ${shown(difference.parent)} in the parent, ${shown(difference.copy)} in the copy`);
    else used.add(allowed.because);
  }
  return { faults, used };
}

/** Lines of the list that no difference needed. */
export function unusedReasons(used: ReadonlySet<string>): readonly string[] {
  return ALLOWED.map((line) => line.because).filter((because) => !used.has(because));
}

function shown(value: string | undefined): string {
  return value === undefined ? 'absent' : JSON.stringify(value);
}
