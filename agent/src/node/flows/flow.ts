import type { Agent, Clock, Inference, Logger, Random } from '../../core/index.ts';
import { createFilter } from './filter.ts';
import type { FlowState, FlowStatus } from './flow-status.ts';
import { createInlet, type Item } from './inlet.ts';
import { createModelUser } from './model-user.ts';
import { createOutlet, type Outlet } from './outlet.ts';
import { recordOf } from './record.ts';
import type { FlowConfig } from './schema.ts';
import type { Sink } from './sink.ts';
import type { Source } from './source.ts';
import { superviseSource } from './supervise.ts';
import { createTally } from './tally.ts';

const LAST_INFERENCE_MS = 5_000;

export interface FlowPorts {
  readonly agent: Pick<Agent, 'infer' | 'model' | 'unresponsive' | 'remember'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Tells this start of the agent from others, in the ids of records. */
  readonly run: string;
}

export interface Flow {
  status(): FlowStatus;
  stop(): Promise<void>;
}

/** Runs until it is stopped: no failure of its source, its model or its sinks ends it. */
export function startFlow(
  config: FlowConfig,
  source: Source,
  sinks: readonly Sink[],
  ports: FlowPorts,
): Flow {
  const { name, model: slot, input } = config;
  const { clock } = ports;
  const logger = named(ports.logger, name);
  const stopping = new AbortController();
  const { signal } = stopping;
  const inlet = createInlet(source.room, source.lossless);
  const outlets = sinks.map((sink) => openOutlet(sink, ports, logger));
  const model = createModelUser({ ...ports, slot, input }, signal);
  const tally = createTally(source.label, clock, (reason) => logger.warn('flow fails', { reason }));
  const send = createSender(config, ports, outlets);
  let ended = false;
  let resting = false;

  async function inferAll(): Promise<void> {
    for (;;) {
      await model.ready();
      const item = await inlet.take(signal);
      if (item === undefined) return;
      await inferOn(item);
    }
  }

  async function inferOn(item: Item): Promise<void> {
    const ageMs = clock.monotonic() - item.monotonicMs;
    try {
      const inference = await model.infer(item.raw);
      if (inference === undefined) return await item.settle('dropped');
      tally.inferred(ageMs);
      if (!send(item, inference, ageMs, clock.monotonic())) tally.filtered();
    } catch (error) {
      tally.refused(item.label, error);
      return await item.settle('failed');
    }
    await item.settle('done');
  }

  async function run(): Promise<void> {
    await model.ready();
    if (signal.aborted) return;
    logger.info('flow runs', { source: source.label, model: slot });
    const output = {
      emit(item: Item) {
        resting = false;
        tally.came();
        return inlet.put(item);
      },
      refuse: tally.refused,
    };
    const supervised = superviseSource(source, output, ports, signal, (error) => {
      resting = true;
      tally.restarts(error);
    });
    await Promise.all([supervised.then(() => inlet.end()), inferAll()]);
    if (signal.aborted) return;
    ended = true;
    logger.info('flow ended', { source: source.label, items: tally.figures().items });
  }
  const running = run().catch((error: unknown) => {
    tally.broken(error);
    logger.error('flow cannot go on', { error });
    stopping.abort();
  });

  function state(): FlowState {
    if (ended) return 'ended';
    if (signal.aborted) return 'stopped';
    if (model.waits) return 'waiting';
    return resting ? 'restarting' : 'running';
  }

  return {
    status: () => ({
      flow: name,
      state: state(),
      source: source.label,
      model: slot,
      dropped: inlet.dropped,
      ...tally.figures(),
      sinks: outlets.map((outlet) => outlet.status()),
    }),
    async stop() {
      stopping.abort();
      inlet.end();
      inlet.clear();
      // a model that hangs is not waited for
      const late = new AbortController();
      await Promise.race([running, clock.sleep(LAST_INFERENCE_MS, late.signal)]);
      late.abort();
      await Promise.all(outlets.map((outlet) => outlet.stop()));
    },
  };
}

type FlowLogger = Pick<Logger, 'info' | 'warn' | 'error'>;

const named = (logger: Logger, flow: string): FlowLogger => ({
  info: (message, fields) => logger.info(message, { flow, ...fields }),
  warn: (message, fields) => logger.warn(message, { flow, ...fields }),
  error: (message, fields) => logger.error(message, { flow, ...fields }),
});

const openOutlet = (sink: Sink, ports: FlowPorts, logger: FlowLogger): Outlet =>
  createOutlet(sink, ports, (reason) => {
    if (reason === undefined) logger.info('flow sink works again', { sink: sink.label });
    else logger.warn('flow sink fails', { sink: sink.label, reason });
  });

/** @returns a function that sends a result to all sinks, or says false where the filter holds it back */
function createSender(
  { name: flow, model, filter }: FlowConfig,
  { agent, run }: FlowPorts,
  outlets: readonly Outlet[],
) {
  const passes = createFilter(filter);
  let sent = 0;
  return (item: Item, inference: Inference, ageMs: number, nowMs: number): boolean => {
    const predictions = passes(inference.predictions, nowMs);
    if (predictions.length === 0) return false;
    const id = `${flow}-${run}-${++sent}`;
    agent.remember(model, id, inference);
    const json = JSON.stringify(recordOf({ id, flow, item, inference, predictions, ageMs }));
    for (const outlet of outlets) outlet.put({ id, json });
    return true;
  };
}
