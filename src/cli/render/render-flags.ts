/** The flags of `render`, as parsing and help want them. What they mean is done in render.ts. */
import type { Flag } from '../command.ts';

export const RENDER_FLAGS: readonly Flag[] = [
  {
    name: 'filename',
    short: 'f',
    kind: 'texts',
    value: 'FILE',
    doc: 'YAML or JSON with the pod, and the Secrets and ConfigMaps it uses; may be given several times; - is standard input.',
  },
  {
    name: 'out',
    kind: 'text',
    value: 'DIR',
    doc: 'Write pod.json and the stored files into this new directory, instead of the pod to standard output.',
  },
  {
    name: 'standalone',
    kind: 'switch',
    doc: 'For a node without an agent, such as a standalone kubelet: the pod keeps its name and gets no mark of a copy. A pod with stored files needs --out.',
  },
  { name: 'node-name', kind: 'text', value: 'NAME', doc: "Node it would run on. Default: the pod's own, else NODE_NAME, else node." },
  {
    name: 'kubelet-version',
    kind: 'text',
    value: '1.NN',
    doc: "Version of the node's kubelet; without it, what needs a newer one is refused.",
  },
  {
    name: 'agent-image',
    kind: 'text',
    value: 'IMAGE',
    doc: 'Image of the agent; without it, pods with secret-env: env-file that need it are refused.',
  },
  { name: 'namespace', short: 'n', kind: 'text', value: 'NAME', default: 'default', doc: 'Namespace of objects that name none.' },
  {
    name: 'output',
    short: 'o',
    kind: 'text',
    choices: ['json', 'yaml'],
    doc: 'Form of the pod; when given, refusals come as data, too. Without it: the JSON text as the agent places it.',
  },
];
