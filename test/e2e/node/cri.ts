/**
 * What the container runtime says, asked over its own socket (CRI v1). Reads only. Written apart from the product's
 * client, so that a mistake there cannot hide itself.
 */
import { connect } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import protobuf from 'protobufjs';

/** Excerpt of k8s.io/cri-api/pkg/apis/runtime/v1/api.proto. */
const PROTO = `
syntax = "proto3";
package runtime.v1;
message ListPodSandboxRequest {}
message ListPodSandboxResponse { repeated PodSandbox items = 1; }
message PodSandboxMetadata { string name = 1; string uid = 2; string namespace = 3; uint32 attempt = 4; }
enum PodSandboxState { SANDBOX_READY = 0; SANDBOX_NOTREADY = 1; }
message PodSandbox {
  string id = 1; PodSandboxMetadata metadata = 2; PodSandboxState state = 3; int64 created_at = 4;
  map<string, string> labels = 5; map<string, string> annotations = 6;
}
message PodSandboxStatusRequest { string pod_sandbox_id = 1; }
message PodSandboxStatusResponse { PodSandboxStatus status = 1; }
message PodSandboxStatus { string id = 1; PodSandboxNetworkStatus network = 5; }
message PodSandboxNetworkStatus { string ip = 1; }
message ListContainersRequest {}
message ListContainersResponse { repeated Container containers = 1; }
message ContainerMetadata { string name = 1; uint32 attempt = 2; }
enum ContainerState { CONTAINER_CREATED = 0; CONTAINER_RUNNING = 1; CONTAINER_EXITED = 2; CONTAINER_UNKNOWN = 3; }
message Container {
  string id = 1; string pod_sandbox_id = 2; ContainerMetadata metadata = 3; ContainerState state = 6; int64 created_at = 7;
}
message ContainerStatusRequest { string container_id = 1; }
message ContainerStatusResponse { ContainerStatus status = 1; }
message ContainerStatus { string id = 1; ContainerState state = 3; int64 created_at = 4; int64 started_at = 5; int64 finished_at = 6; int32 exit_code = 7; }
`;

export interface CriContainer {
  readonly id: string;
  readonly name: string;
  readonly state: 'CREATED' | 'RUNNING' | 'EXITED' | 'UNKNOWN';
  /** Wall clock, milliseconds. */
  readonly createdAt: number;
}

export interface CriPod {
  readonly sandboxId: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly ready: boolean;
  readonly createdAt: number;
  /** `file` for static pods, `api` for others (the kubelet's annotation kubernetes.io/config.source). */
  readonly source: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly containers: readonly CriContainer[];
}

/** Wall clock, milliseconds; 0: not yet. */
export interface ContainerTimes {
  readonly createdAt: number;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly exitCode: number;
}

export interface Cri {
  pods(): Promise<readonly CriPod[]>;
  /** undefined: it was there, and the kubelet has removed it meanwhile, as it does with a copy's within a second. */
  timesOf(containerId: string): Promise<ContainerTimes | undefined>;
  /** Address of a pod's sandbox; empty on the host network. */
  addressOf(sandboxId: string): Promise<string>;
}

const NANOS_PER_MILLI = 1_000_000;
/** google.rpc.Code */
const NOT_FOUND = '5';

class GrpcError extends Error {
  /** A number as text; empty where the reply had none. */
  readonly code: string;
  constructor(path: string, code: string, message: string) {
    super(`${path}: gRPC status ${code || 'missing'} ${message}`.trim());
    this.code = code;
  }
}
const LIMIT_MS = 5_000;

type Message = Readonly<Record<string, unknown>>;

export function createCri(socket: string): Cri {
  const root = protobuf.parse(PROTO, { keepCase: true }).root;

  async function call(method: string, request: Message): Promise<Message> {
    const requestType = root.lookupType(`runtime.v1.${method}Request`);
    const responseType = root.lookupType(`runtime.v1.${method}Response`);
    const payload = requestType.encode(requestType.create(request)).finish();
    const reply = await unary(socket, `/runtime.v1.RuntimeService/${method}`, payload);
    return responseType.toObject(responseType.decode(reply), { longs: Number, enums: String, defaults: true, arrays: true, objects: true });
  }

  return {
    pods: async () => {
      const [sandboxes, containers] = await Promise.all([call('ListPodSandbox', {}), call('ListContainers', {})]);
      const all = (containers['containers'] as Message[]).map((container) => ({
        sandboxId: container['pod_sandbox_id'] as string,
        id: container['id'] as string,
        name: (container['metadata'] as Message)['name'] as string,
        state: (container['state'] as string).replace('CONTAINER_', '') as CriContainer['state'],
        createdAt: (container['created_at'] as number) / NANOS_PER_MILLI,
      }));
      return (sandboxes['items'] as Message[]).map((sandbox) => {
        const metadata = sandbox['metadata'] as Message;
        const annotations = sandbox['annotations'] as Record<string, string>;
        return {
          sandboxId: sandbox['id'] as string,
          namespace: metadata['namespace'] as string,
          name: metadata['name'] as string,
          uid: metadata['uid'] as string,
          ready: sandbox['state'] === 'SANDBOX_READY',
          createdAt: (sandbox['created_at'] as number) / NANOS_PER_MILLI,
          source: annotations['kubernetes.io/config.source'] ?? '',
          annotations,
          containers: all.filter((container) => container.sandboxId === sandbox['id']),
        };
      });
    },
    timesOf: async (containerId) => {
      const reply = await call('ContainerStatus', { container_id: containerId }).catch((error: unknown) => {
        if (error instanceof GrpcError && error.code === NOT_FOUND) return undefined;
        throw error;
      });
      if (reply === undefined) return undefined;
      const status = reply['status'] as Message;
      const millis = (field: string) => (status[field] as number) / NANOS_PER_MILLI;
      return {
        createdAt: millis('created_at'),
        startedAt: millis('started_at'),
        finishedAt: millis('finished_at'),
        exitCode: status['exit_code'] as number,
      };
    },
    addressOf: async (sandboxId) => {
      const reply = await call('PodSandboxStatus', { pod_sandbox_id: sandboxId });
      const network = (reply['status'] as Message | null)?.['network'] as Message | null | undefined;
      return (network?.['ip'] as string | undefined) ?? '';
    },
  };
}

/** One gRPC call on a connection of its own: length-prefixed message in, one out, status in the trailers. */
async function unary(socket: string, path: string, payload: Uint8Array): Promise<Uint8Array> {
  const session = connect('http://localhost', { createConnection: () => connectSocket(socket) });
  try {
    return await new Promise<Uint8Array>((resolve, reject) => {
      session.once('error', reject);
      const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' });
      stream.setTimeout(LIMIT_MS, () => reject(new Error(`${path}: no answer within ${LIMIT_MS} ms`)));
      const chunks: Buffer[] = [];
      let [status, message] = ['', ''];
      const take = (headers: Record<string, unknown>) => {
        if (headers['grpc-status'] !== undefined) [status, message] = [`${headers['grpc-status']}`, `${headers['grpc-message'] ?? ''}`];
      };
      stream.once('error', reject);
      stream.on('response', take);
      stream.on('trailers', take);
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        if (status === '0') resolve(Buffer.concat(chunks).subarray(5));
        else reject(new GrpcError(path, status, message));
      });
      const prefix = Buffer.alloc(5);
      prefix.writeUInt32BE(payload.length, 1);
      stream.end(Buffer.concat([prefix, payload]));
    });
  } finally {
    session.destroy();
  }
}
