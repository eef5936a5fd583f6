/**
 * Probes of every endpoint at once, each on a fresh connection: is there an API server?
 *
 * It never reuses a connection, never throws, and sends credentials only after the certificate was verified. What the
 * outcomes mean for the node is decided elsewhere (core/reachability).
 */

import { messageOf } from '../../core/model/errors.ts';
import type { Millis, Probe, ProbeOutcome, TlsReason } from '../../core/model/model.ts';
import type { ApiProbe, ApiRequestObserver, Clock } from '../../ports.ts';
import { type AnswerHead, GATEWAY_CODES, hasAuditId, isKubernetesAnswer, namesStorage } from './answer.ts';
import { readBody } from './body.ts';
import { type WrongDate, wrongDate } from './certificates.ts';
import type { ApiEndpoint } from './endpoint.ts';
import { ApiFailure, causeOf, type FailureCause, withDeadline } from './failure.ts';
import { nameOf, onFreshConnection } from './fresh-request.ts';
import type { ApiAccess } from './kubeconfig.ts';
import { presentedBy } from './presented.ts';
import { isAboutDates, saidByTls, tlsReasonOf } from './tls-reason.ts';

/** A failing readyz lists its checks in a few kilobytes. */
const MAX_BODY_BYTES = 64 << 10;
/** The whole body of a readyz that passes (apiserver, pkg/server/healthz/healthz.go). */
const READY = 'ok';
/** Part of the time left after the head that the body may take. */
const BODY_SHARE = 0.9;

export interface ApiProbeOptions {
  readonly access: ApiAccess;
  readonly userAgent: string;
  readonly clock: Clock;
  readonly observer: ApiRequestObserver;
  /** Servers' own addresses, beside those of the access. */
  readonly learnt: () => Promise<readonly ApiEndpoint[]>;
}

export function createApiProbe(options: ApiProbeOptions): ApiProbe {
  const { access, clock, observer } = options;

  async function probe(endpoint: ApiEndpoint, deadlineMs: Millis): Promise<Probe> {
    const finding = await probeOne(options, endpoint, deadlineMs);
    observer.probe(finding.outcome);
    const about = { endpoint: endpoint.url, direct: endpoint.service !== true, ...(endpoint.learnt === true ? { learnt: true } : {}) };
    return { ...about, at: clock.now(), ...finding };
  }

  return {
    async probe(deadlineMs) {
      const configured = access.endpoints.map((endpoint) => probe(endpoint, deadlineMs));
      const learnt = (await options.learnt()).map((endpoint) => probe(endpoint, deadlineMs));
      return roundOf(configured, learnt);
    },
  };
}

/**
 * All of them; but a server that was taken down long ago must not hold up the word of one that answers. One answer
 * anywhere is an answer.
 */
async function roundOf(configured: readonly Promise<Probe>[], learnt: readonly Promise<Probe>[]): Promise<readonly Probe[]> {
  const done = new Map<Promise<Probe>, Probe>();
  const answered = Promise.withResolvers<void>();
  for (const each of [...configured, ...learnt]) {
    void each.then((probe) => {
      done.set(each, probe);
      if (probe.outcome === 'ok' || probe.outcome === 'answered') answered.resolve();
    });
  }
  const all = Promise.all([...configured, ...learnt]);
  await Promise.race([all, Promise.all([Promise.all(configured), answered.promise])]);
  return [...configured, ...learnt].flatMap((each) => done.get(each) ?? []);
}

interface Finding {
  readonly outcome: ProbeOutcome;
  readonly detail: string;
  readonly tls?: TlsReason;
}

async function probeOne(options: ApiProbeOptions, endpoint: ApiEndpoint, deadlineMs: Millis): Promise<Finding> {
  const abort = new AbortController();
  const startedAt = options.clock.now();
  try {
    return await withDeadline(ask(options, endpoint, deadlineMs, abort.signal), deadlineMs, `probing ${endpoint.url}`, () => abort.abort());
  } catch (error) {
    const outcome = outcomeOf(causeOf(error));
    if (outcome !== 'tls') return { outcome, detail: messageOf(error) };
    const date = isAboutDates(error) ? await lookAtDate(options, endpoint, startedAt + deadlineMs - options.clock.now()) : undefined;
    if (date !== undefined) return { outcome: 'expired', detail: dateInWords(date, options.clock.wall()), tls: 'dates' };
    return { outcome, detail: saidByTls(error), tls: tlsReasonOf(error) };
  }
}

/** For a certificate that was refused because of a date: is that all that is wrong with it? Sends nothing. */
async function lookAtDate({ access, clock }: ApiProbeOptions, endpoint: ApiEndpoint, deadlineMs: Millis): Promise<WrongDate | undefined> {
  try {
    const { ca } = await access.trust();
    const presented = await presentedBy(endpoint, nameOf(endpoint, access), deadlineMs);
    const names = [nameOf(endpoint, access) ?? endpoint.host, ...(endpoint.alsoNamed ?? [])];
    return wrongDate({ presented, ca, names, now: clock.wall() });
  } catch {
    return undefined;
  }
}

/** With the node's own time, because a wrong clock looks the same. */
function dateInWords({ reason, at }: WrongDate, now: number): string {
  const what = reason === 'expired' ? 'its certificate has expired, it was valid until' : 'its certificate is not valid before';
  return `${what} ${secondsOf(at)}, and this node's clock says ${secondsOf(now)}`;
}

function secondsOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

async function ask(options: ApiProbeOptions, endpoint: ApiEndpoint, deadlineMs: Millis, signal: AbortSignal): Promise<Finding> {
  const { access, userAgent, clock } = options;
  const startedAt = clock.now();
  const request = { access, userAgent, endpoint, path: '/readyz', accept: '*/*', deadlineMs, signal };
  return onFreshConnection(request, async (exchange) => {
    // The head alone may be proof enough, so a body that hangs must not use up the whole deadline.
    const left = deadlineMs - (clock.now() - startedAt);
    const body = await withDeadline(readBody(exchange.body, MAX_BODY_BYTES, 'cut'), left * BODY_SHARE, 'reading the reply').catch(
      () => undefined,
    );
    if (body === undefined && GATEWAY_CODES.has(exchange.status))
      throw new ApiFailure('timeout', `HTTP ${exchange.status}, its body never came`);
    return judge(exchange, body);
  });
}

/** What an HTTP reply to `GET /readyz` proves; undefined: its body never came. */
export function judge(head: AnswerHead, body: string | undefined): Finding {
  const detail = `HTTP ${head.status}`;
  if (head.status === 200) {
    const ready = body === undefined ? hasAuditId(head) : body.trim() === READY;
    return ready ? { outcome: 'ok', detail } : { outcome: 'gateway', detail: `${detail} without the body of readyz` };
  }
  return judgeFailure(head, body ?? '', detail);
}

function judgeFailure(head: AnswerHead, body: string, detail: string): Finding {
  if (head.status === 500 && namesStorage(body)) return { outcome: 'storage', detail: `${detail}, readyz names etcd` };
  if (isKubernetesAnswer(head, body)) return { outcome: 'answered', detail };
  // something in front of the server speaks, and not as Kubernetes does: 404 of a balancer, HTML, a redirect, 502
  return { outcome: 'gateway', detail: `${detail}, not the answer of a Kubernetes API server` };
}

function outcomeOf(cause: FailureCause): ProbeOutcome {
  switch (cause) {
    case 'refused':
    case 'reset':
    case 'timeout':
    case 'unroutable':
    case 'dns':
    case 'tls':
      return cause;
    case 'closed':
      return 'timeout';
    case 'protocol':
    case 'too-large':
      return 'tls';
  }
}
