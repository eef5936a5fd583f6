/** Names of the chart's objects, as the uninstall's commands take them. */
/** The two DaemonSets of an uninstall. */
export interface UninstallNames {
  readonly namespace: string;
  readonly agents: string;
  readonly cleaners: string;
}
