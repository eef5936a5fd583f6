/**
 * The containers of the embedded runtime: records that are created, started and ended, and the effect that each may
 * have while it runs.
 */
import type {
  ContainerEffect,
  DemoContainer,
  DemoImage,
  DemoRuntime,
  DemoRuntimeOptions,
  DemoSandbox,
  StopEffect,
} from './runtime-types.ts';

/** What happens to a container, as the events say it. */
export type ContainerEvent = 'created' | 'started' | 'stopped' | 'deleted';

export interface ContainersOptions extends Pick<DemoRuntimeOptions, 'clock'> {
  readonly onContainerRunning: ContainerEffect | undefined;
  readonly sandbox: (id: string) => DemoSandbox | undefined;
  readonly image: (reference: string) => DemoImage | undefined;
  readonly newId: () => string;
  /** Called after the record was changed. */
  readonly happened: (event: ContainerEvent, container: DemoContainer) => void;
}

export interface DemoContainers extends Pick<DemoRuntime, 'createContainer' | 'startContainer' | 'stopContainer' | 'removeContainer'> {
  all(): readonly DemoContainer[];
  /** Whatever it was doing: it has ended so. */
  end(id: string, exitCode: number, reason: string): Promise<void>;
}

export function createContainers(options: ContainersOptions): DemoContainers {
  const { clock, happened } = options;
  const containers = new Map<string, DemoContainer>();
  const effects = new Map<string, Promise<StopEffect | undefined>>();

  function exited(container: DemoContainer, exitCode: number, reason: string): void {
    if (container.state !== 'running' && container.state !== 'created') return;
    Object.assign(container, { state: 'exited', finishedAtMs: clock.wall(), exitCode, reason });
    happened('stopped', container);
  }

  /** The effect ends before the record says so: whoever sees EXITED finds the port free. */
  async function end(container: DemoContainer, graceSeconds: number, exitCode: number, reason: string): Promise<void> {
    const effect = effects.get(container.id);
    effects.delete(container.id);
    const stop = await effect?.catch(() => undefined);
    await stop?.(graceSeconds);
    exited(container, exitCode, reason);
  }

  const startContainer: DemoRuntime['startContainer'] = (id) => {
    const container = containers.get(id);
    const sandbox = container === undefined ? undefined : options.sandbox(container.sandboxId);
    if (container?.state !== 'created' || sandbox?.ready !== true) throw new Error(`starting container ${id}: it is not ready to start`);
    Object.assign(container, { state: 'running', startedAtMs: clock.wall() });
    happened('started', container);
    if (container.config.completes) return exited(container, 0, 'Completed');
    const exit = (code: number): void => void end(container, 0, code, code === 0 ? 'Completed' : 'Error');
    const effect = Promise.resolve().then(() => options.onContainerRunning?.(container, sandbox, exit));
    effects.set(id, effect);
    effect.catch(() => end(container, 0, 1, 'Error'));
  };

  const stopContainer: DemoRuntime['stopContainer'] = async (id, graceSeconds) => {
    const container = containers.get(id);
    if (container !== undefined) await end(container, graceSeconds, graceSeconds > 0 ? 143 : 137, 'Error');
  };

  return {
    all: () => [...containers.values()],
    createContainer(sandboxId, config) {
      const image = options.image(config.image);
      if (options.sandbox(sandboxId)?.ready !== true) throw new Error(`creating container ${config.name}: its sandbox is not ready`);
      if (image === undefined) throw new Error(`creating container ${config.name}: no image ${config.image}`);
      const created: DemoContainer = {
        id: options.newId(),
        sandboxId,
        config,
        imageId: image.id,
        createdAtMs: clock.wall(),
        state: 'created',
        startedAtMs: 0,
        finishedAtMs: 0,
        exitCode: 0,
        reason: '',
      };
      containers.set(created.id, created);
      happened('created', created);
      return created;
    },
    startContainer,
    stopContainer,
    async removeContainer(id) {
      const container = containers.get(id);
      if (container === undefined) return;
      await stopContainer(id, 0);
      containers.delete(id);
      happened('deleted', container);
    },
    async end(id, exitCode, reason) {
      const container = containers.get(id);
      if (container !== undefined) await end(container, 0, exitCode, reason);
    },
  };
}
