/** All scenarios, in the order in which they share one node. */
import type { Scenario } from '../scenario.ts';
import { balancer } from './balancer.ts';
import { bareNode } from './bare-node.ts';
import { caRotation } from './ca-rotation.ts';
import { capture } from './capture.ts';
import { chart } from './chart.ts';
import { contracts } from './contracts.ts';
import { drainReboot } from './drain-reboot.ts';
import { envFile } from './env-file.ts';
import { evicted } from './evicted.ts';
import { expiredServer } from './expired-server.ts';
import { fullNodeScenario } from './full-node.ts';
import { fullNodeStuck } from './full-node-stuck.ts';
import { handBack } from './hand-back.ts';
import { idle } from './idle.ts';
import { install } from './install.ts';
import { kubeletBlind } from './kubelet-blind.ts';
import { lateDirectory } from './late-directory.ts';
import { outage } from './outage.ts';
import { powerCut } from './power-cut.ts';
import { pullSecret } from './pull-secret.ts';
import { realPods } from './real-pods.ts';
import { refresh } from './refresh.ts';
import { retire } from './retire.ts';
import { sameName } from './same-name.ts';
import { scale } from './scale.ts';
import { selfHosted } from './self-hosted.ts';
import { selfHostedBadRollout, selfHostedDeadEtcd, selfHostedNoImage } from './self-hosted-bad-rollout.ts';
import { selfHostedChart } from './self-hosted-chart.ts';
import { selfHostedEarlyKills, selfHostedKills } from './self-hosted-kills.ts';
import { selfHostedPowerCut } from './self-hosted-power-cut.ts';
import { selfHostedDelete, selfHostedRollout } from './self-hosted-rollout.ts';
import { selfHostedStuck } from './self-hosted-stuck.ts';
import { serviceAddress } from './service-address.ts';
import { standby } from './standby.ts';
import { token } from './token.ts';
import { twoWriters } from './two-writers.ts';
import { reinstall, uninstall } from './uninstall.ts';
import { upgrades } from './upgrades.ts';

export const SCENARIOS: readonly Scenario[] = [
  contracts,
  chart,
  bareNode,
  capture,
  // these three share a power cut
  envFile,
  pullSecret,
  powerCut,
  handBack,
  outage,
  idle,
  token,
  // is there an API server?
  drainReboot,
  serviceAddress,
  expiredServer,
  kubeletBlind,
  caRotation,
  balancer,
  sameName,
  // a node has limits; the first three share a power cut, and the directory's time is counted from the boot
  lateDirectory,
  fullNodeScenario,
  twoWriters,
  fullNodeStuck,
  scale,
  standby,
  install,
  uninstall,
  reinstall,
  upgrades,
  retire,
  // without the parents: a kubelet under pressure evicts them too
  evicted,
  refresh,
  realPods,
  selfHosted,
  selfHostedPowerCut,
  selfHostedKills,
  selfHostedEarlyKills,
  selfHostedRollout,
  selfHostedDelete,
  selfHostedBadRollout,
  selfHostedDeadEtcd,
  selfHostedNoImage,
  selfHostedStuck,
  selfHostedChart,
];
