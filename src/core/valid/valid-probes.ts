/** Probes and hooks, as the API server judges them: see valid-pod.ts. */
import {
  all,
  type Check,
  type Checks,
  each,
  exactlyOne,
  fields,
  given,
  integer,
  NOT_NEGATIVE,
  oneOf,
  PORT,
  PORT_NAME,
  required,
  tell,
  text,
} from './valid-checks.ts';

const PORT_OR_NAME: Check = (value, at, reasons) => (typeof value === 'string' ? PORT_NAME : PORT)(value, at, reasons);

const HEADERS = each(
  fields(
    { name: text((name) => /^[-A-Za-z0-9]+$/.test(name), 'is no name of a header; write letters, digits and hyphens') },
    required('name'),
  ),
);

const EXEC = fields({}, required('command'));
const HTTP = fields(
  { port: PORT_OR_NAME, scheme: given(oneOf('HTTP', 'HTTPS')), protocol: given(oneOf('HTTP1', 'HTTP2')), httpHeaders: HEADERS },
  required('port'),
);
const TCP = fields({ port: PORT_OR_NAME }, required('port'));
const GRPC = fields({ port: PORT, mode: given(oneOf('Plaintext', 'TLS')) }, required('port'));

const PROBE_CHECKS: Checks = {
  exec: EXEC,
  httpGet: HTTP,
  tcpSocket: TCP,
  grpc: GRPC,
  initialDelaySeconds: NOT_NEGATIVE,
  timeoutSeconds: NOT_NEGATIVE,
  periodSeconds: NOT_NEGATIVE,
  successThreshold: NOT_NEGATIVE,
  failureThreshold: NOT_NEGATIVE,
  terminationGracePeriodSeconds: integer(1, Number.MAX_SAFE_INTEGER, 'is no time of grace; write a number of seconds from 1, or remove it'),
};
const PROBE_KIND = exactlyOne('kind of probe', 'exec', 'httpGet', 'tcpSocket', 'grpc');

/** Of a probe that ends the container. 0 stands for the default, which is 1. */
const ENDING_PROBE = fields(
  { ...PROBE_CHECKS, successThreshold: integer(0, 1, 'must be 1 in a probe of this kind; remove it') },
  PROBE_KIND,
);
const READINESS_PROBE = fields(
  {
    ...PROBE_CHECKS,
    terminationGracePeriodSeconds: (_value, at, reasons) => tell(reasons, at, 'means nothing in a readiness probe; remove it'),
  },
  PROBE_KIND,
);
/** By the field of the container. */
export const PROBES: Checks = { livenessProbe: ENDING_PROBE, readinessProbe: READINESS_PROBE, startupProbe: ENDING_PROBE };

const HOOK_KIND = exactlyOne('kind of hook', 'exec', 'httpGet', 'tcpSocket', 'sleep');

/** The names that Linux has (validateStopSignal). */
const SIGNALS = new Set(
  (
    'ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU ' +
    'URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX'
  )
    .split(' ')
    .map((name) => `SIG${name}`),
);
const SIGNAL = text(
  (name) => SIGNALS.has(name) || /^SIGRTMIN\+([1-9]|1[0-5])$|^SIGRTMAX-([1-9]|1[0-4])$/.test(name),
  'is no signal; write one such as SIGTERM, or remove it',
);

/** `grace`: seconds; `os`: the pod says for which system it is. */
export function lifecycle(grace: number, os: boolean): Check {
  const seconds = integer(
    0,
    grace,
    `is no time to sleep; write a number of seconds from 0 to the pod's terminationGracePeriodSeconds (${grace})`,
  );
  const hook = fields({ exec: EXEC, httpGet: HTTP, tcpSocket: TCP, sleep: fields({ seconds }) }, HOOK_KIND);
  const stopSignal = all(SIGNAL, (_value, at, reasons) => {
    if (!os) tell(reasons, at, 'needs spec.os.name beside it; write linux there, or remove it');
  });
  return fields({ postStart: hook, preStop: hook, stopSignal });
}
