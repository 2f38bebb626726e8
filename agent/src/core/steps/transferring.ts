import type { Flow } from '../fetch-blob.ts';
import type { FetchResponse } from '../ports.ts';
import type { JournalState, Transfer, WantedDeployment } from '../state.ts';
import { createBandwidth } from '../transfer/bandwidth.ts';
import { createGate, type Gate, type Load } from '../transfer/gate.ts';
import { policyOf } from '../transfer/policy.ts';
import { attemptIn, type StepContext } from './context.ts';
import { createProgress, type Progress } from './progress.ts';

type Tally = { -readonly [K in keyof Transfer]: Transfer[K] };

/** What all requests of one download share: caps, policy, progress, and what it took so far. */
export interface Transferring {
  readonly deployment: WantedDeployment;
  readonly progress: Progress;
  readonly gate: Gate;
  readonly tally: Tally;
  flow(load: Load): Flow;
}

const NO_HTTP = 'over MQTT: HTTP did not answer';

export function createTransfer(context: StepContext, deployment: WantedDeployment): Transferring {
  const { clock, device, journal, bandwidth, settings } = context;
  const policy = () => policyOf(journal.state.wanted, deployment);
  const progress = createProgress(context, deployment);
  const own = createBandwidth(clock, () => policy().bandwidth);
  const tally: Tally = { bytes: 0, deltaBytes: 0, mqttBytes: 0, fallbacks: [] };
  const gate = createGate({
    device,
    clock,
    lookMs: settings.linkLookMs,
    policy: () => policy().metered,
    waits: (why) => progress.say(why, tally.fallbacks),
  });
  const noteMqtt = (bytes: number) => {
    tally.mqttBytes += bytes;
    const chosen = journal.state.wanted.download?.transport === 'mqtt';
    if (!chosen && !tally.fallbacks.includes(NO_HTTP)) tally.fallbacks.push(NO_HTTP);
  };
  const flow = (load: Load): Flow => ({
    pass: (signal) => gate.pass(load, signal),
    piece() {
      const pieces = [own.piece(), bandwidth.piece()].filter((piece) => piece !== undefined);
      return pieces.length === 0 ? undefined : Math.min(...pieces);
    },
    async took(bytes: number, { over }: FetchResponse, signal: AbortSignal) {
      if (over === 'mqtt') noteMqtt(bytes);
      tally.bytes += bytes;
      if (load === 'delta') tally.deltaBytes += bytes;
      await bandwidth.pay(bytes, signal);
      await own.pay(bytes, signal);
      return gate.isOpen(load);
    },
  });
  return { deployment, progress, gate, tally, flow };
}

/** Adds what a download took to what earlier tries of the attempt took. */
export function addTally(draft: JournalState, { deployment, tally }: Transferring): void {
  const attempt = attemptIn(draft, deployment);
  const before = attempt.transfer ?? { bytes: 0, deltaBytes: 0, mqttBytes: 0, fallbacks: [] };
  attempt.transfer = {
    bytes: before.bytes + tally.bytes,
    deltaBytes: before.deltaBytes + tally.deltaBytes,
    mqttBytes: before.mqttBytes + tally.mqttBytes,
    fallbacks: [...new Set([...before.fallbacks, ...tally.fallbacks])],
  };
}
