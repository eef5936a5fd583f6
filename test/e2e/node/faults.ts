/**
 * What scenarios break: around the API server certificates, who answers at its address, the way to it; on the node the room on
 * its disk. And `mend`, which undoes all of it, whatever a scenario has left.
 */
import { copyFileSync, existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ADDRESSES, type NodePaths } from './layout.ts';
import type { Node } from './node.ts';
import { run } from './process.ts';
import { doneUnless, until } from './wait.ts';

/** A certificate of the cluster that may be replaced; `ca`: the bundle that everybody trusts. */
export type Replaceable = 'ca' | 'kube-apiserver' | 'kubelet';

const OWN = '.own';
const BALANCER = 'balancer';

/** Puts other PEM text in the place of a certificate. Programs read it with their next start, if not before. */
export function replaceCertificate(paths: NodePaths, name: Replaceable, pem: string): void {
  const file = join(paths.pki, `${name}.crt`);
  if (!existsSync(`${file}${OWN}`)) copyFileSync(file, `${file}${OWN}`);
  writeFileSync(`${file}.new`, pem, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Puts back every certificate that was replaced, and names them. */
export function ownCertificates(paths: NodePaths): readonly string[] {
  const kept = readdirSync(paths.pki).filter((name) => name.endsWith(OWN));
  for (const name of kept) renameSync(join(paths.pki, name), join(paths.pki, name.slice(0, -OWN.length)));
  return kept.map((name) => name.slice(0, -`.crt${OWN}`.length));
}

/** Waits until the certificate at the API server's address is judged so by openssl, such as `certificate has expired`. */
export async function servesCertificate(node: Node, verdict: string): Promise<void> {
  const address = `${ADDRESSES.node}:${ADDRESSES.apiPort}`;
  const ask = ['openssl', 's_client', '-connect', address, '-CAfile', join(node.paths.pki, 'ca.crt')];
  await until(
    `a certificate with the verdict "${verdict}"`,
    async () => {
      const said = /Verify return code: \d+ \((.*)\)/.exec(await run(node.machine.networkOnly(ask)))?.[1] ?? 'no answer';
      return doneUnless(said === verdict ? '' : said);
    },
    60_000,
    250,
  );
}

/** Something with the API server's certificate answers at its address, and is none. The API server must be down. */
export async function balancerAnswers(node: Node): Promise<void> {
  const pki = (file: string) => join(node.paths.pki, file);
  const files = [pki('kube-apiserver.crt'), pki('kube-apiserver.key')];
  const argv = [process.execPath, join(import.meta.dirname, 'balancer.ts'), ...files, ADDRESSES.node, String(ADDRESSES.apiPort)];
  await node.machine.daemon('network', { name: BALANCER, argv });
  await servesCertificate(node, 'ok');
}

export async function balancerLeaves(node: Node): Promise<void> {
  await node.machine.stopDaemons(BALANCER);
}

/** A file of so many bytes beside the kubelet's own; nothing is written for it. */
export async function fillDisk({ paths }: Node, bytes: number): Promise<void> {
  await run(['fallocate', '--length', String(bytes), fillerOf(paths)]);
}

/** Takes the file away; says whether there was one. */
export function freeDisk({ paths }: Node): boolean {
  const filled = existsSync(fillerOf(paths));
  rmSync(fillerOf(paths), { force: true });
  return filled;
}

const fillerOf = (paths: NodePaths) => join(paths.state, 'filler');

/** Undoes everything here. What used a replaced certificate is ended or restarted; an API server is not started. */
export async function mend(node: Node): Promise<void> {
  await balancerLeaves(node);
  await node.machine.serviceAddress(true);
  const replaced = ownCertificates(node.paths);
  if (replaced.includes('ca') || replaced.includes('kube-apiserver')) await node.apiStop();
  if (replaced.includes('kubelet') && node.machine.isOn()) await node.kubeletRestart();
  if (freeDisk(node) && node.machine.isOn()) await node.importOwnImages();
  await node.kubeletReconfigure({});
  await node.agent.reconfigure({});
}
