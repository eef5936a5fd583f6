/**
 * What the reference says of a command beside its help: for whom it is, and what to know before running it.
 * Data for documentation only: nothing of the program reads it, so that the bundle goes without.
 */

/** By the name of the command, in Markdown. */
export const COMMAND_NOTES: Readonly<Record<string, string>> = {
  agent:
    'The chart runs it in every pod of its DaemonSet, and its standby runs it too. It logs one JSON line a decision, with the old state, the new state and the reason.',
  status:
    "It reads the node's own disk and asks the agent that runs there. Beside the list it says, on standard error, what concerns the node as a whole, such as that the DaemonSet's pod does not take over, or that the API server refuses the agent. Then it says why pods are refused, why copies do not run or wait too long, and what to do.",
  render: 'It needs no cluster and no node. Every reason for which the pod would be refused is told at once.',
  verify: 'It only reads. Without an argument it checks every checkpoint of the node.',
  cleanup:
    "It needs root, and the node's lock: an agent or a standby that runs must be gone first, or `--stay` waits for that. With `--namespace`, `--agents` and `--cleaners` it is the pod of the chart's uninstall, which answers on `/cleanz`.",
  uninstall: "The chart's hooks run it, once in the cluster. `agents` comes first, then `nodes`.",
  demo: 'In a checkout: `npm run demo`, and `npm run demo -- --fast` in less time.',
};
