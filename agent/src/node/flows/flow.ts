import { asFlotillaError, FlotillaError } from '@flotilla/protocol';
import type { Agent, Clock, Inference, Logger, Random } from '../../core/index.ts';
import { createFilter } from './filter.ts';
import { createInlet, type Item } from './inlet.ts';
import { createModelUser } from './model-user.ts';
import { createOutlet, type SinkStatus } from './outlet.ts';
import { recordOf } from './record.ts';
import type { FlowConfig } from './schema.ts';
import type { Sink } from './sink.ts';
import type { Source, SourceOutput } from './source.ts';
import { superviseSource } from './supervise.ts';
import { createRecent } from './tally.ts';

/**
 * `waiting`: the slot has no model yet; `restarting`: the source failed and is run again after a
 * pause; `ended`: the source was at its end, and all of it is inferred on.
 */
export type FlowState = 'waiting' | 'running' | 'restarting' | 'ended' | 'stopped';

/** How a flow fares; counts are of this start of the agent. */
export interface FlowStatus {
  readonly flow: string;
  readonly state: FlowState;
  readonly source: string;
  readonly model: string;
  /** Items that came, and those of them that were never looked at. */
  readonly items: number;
  readonly dropped: number;
  readonly inferred: number;
  /** Items that could not be read, or that the model refused. */
  readonly failed: number;
  /** Results that the filter held back. */
  readonly filtered: number;
  /** Starts of the source after it failed. */
  readonly restarts: number;
  /** In a second, of the last ten seconds. */
  readonly itemsPerSecond: number;
  readonly inferredPerSecond: number;
  /** Median age of an item when it is taken for inference, of the last ten seconds. */
  readonly ageMs?: number;
  readonly error?: string;
  readonly errorAt?: string;
  readonly sinks: readonly SinkStatus[];
}

export interface FlowPorts {
  readonly agent: Pick<Agent, 'infer' | 'model' | 'unresponsive'>;
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
  { name, model: slot, input, filter: filterConfig }: FlowConfig,
  source: Source,
  sinks: readonly Sink[],
  ports: FlowPorts,
): Flow {
  const { clock } = ports;
  const logger = named(ports.logger, name);
  const inlet = createInlet(source.room, source.lossless);
  const filter = createFilter(filterConfig);
  const outlets = sinks.map((sink) =>
    createOutlet(sink, ports, (error) => {
      if (error === undefined) logger.info('flow sink works again', { sink: sink.label });
      else logger.warn('flow sink fails', { sink: sink.label, reason: error });
    }),
  );
  const stopping = new AbortController();
  const { signal } = stopping;
  const model = createModelUser({ ...ports, slot, input }, signal);
  const counts = { items: 0, inferred: 0, failed: 0, filtered: 0, restarts: 0 };
  const came = createRecent();
  const ages = createRecent();
  let over: FlowState | undefined;
  let resting = false;
  let fault: { readonly error: string; readonly errorAt: string } | undefined;

  function blame(error: unknown): void {
    const { message } = asFlotillaError(error);
    if (message !== fault?.error) logger.warn('flow fails', { reason: message });
    fault = { error: message, errorAt: new Date(clock.now()).toISOString() };
  }

  const output: SourceOutput = {
    emit(item) {
      resting = false;
      counts.items++;
      came.record(0, clock.monotonic());
      return inlet.put(item);
    },
    refuse,
  };

  /** @param label of the item; empty for a frame */
  function refuse(label: string, error: unknown): void {
    counts.failed++;
    const where = label === '' ? source.label : `${source.label}, ${label}`;
    const reason = error instanceof Error ? error.message : String(error);
    blame(new FlotillaError('flow.item-refused', { source: where, reason }, { cause: error }));
  }

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
      counts.inferred++;
      ages.record(ageMs, clock.monotonic());
      send(item, inference, ageMs);
      await item.settle('done');
    } catch (error) {
      refuse(item.label, error);
      await item.settle('failed');
    }
  }

  function send(item: Item, inference: Inference, ageMs: number): void {
    const predictions = filter(inference.predictions, clock.monotonic());
    if (predictions.length === 0) {
      counts.filtered++;
      return;
    }
    const id = `${name}-${ports.run}-${counts.inferred}`;
    const json = JSON.stringify(recordOf({ id, flow: name, item, inference, predictions, ageMs }));
    for (const outlet of outlets) outlet.put({ id, json });
  }

  async function run(): Promise<void> {
    await model.ready();
    if (signal.aborted) return;
    logger.info('flow runs', { source: source.label, model: slot });
    const supervised = superviseSource(source, output, ports, signal, (error) => {
      resting = true;
      counts.restarts++;
      blame(error);
    });
    await Promise.all([supervised.then(() => inlet.end()), inferAll()]);
    if (signal.aborted) return;
    over = 'ended';
    logger.info('flow ended', { source: source.label, items: counts.items });
  }
  const running = run().catch((error: unknown) => {
    blame(error);
    logger.error('flow cannot go on', { error });
    stopping.abort();
  });

  const state = (): FlowState => {
    if (over !== undefined || signal.aborted) return over ?? 'stopped';
    if (model.waits) return 'waiting';
    return resting ? 'restarting' : 'running';
  };

  return {
    status() {
      const nowMs = clock.monotonic();
      const ageMs = ages.median(nowMs);
      return {
        flow: name,
        state: state(),
        source: source.label,
        model: slot,
        ...counts,
        dropped: inlet.dropped,
        itemsPerSecond: round(came.rate(nowMs)),
        inferredPerSecond: round(ages.rate(nowMs)),
        ...(ageMs === undefined ? {} : { ageMs: round(ageMs) }),
        ...fault,
        sinks: outlets.map((outlet) => outlet.status()),
      };
    },
    async stop() {
      stopping.abort();
      inlet.end();
      inlet.clear();
      await running;
      await Promise.all(outlets.map((outlet) => outlet.stop()));
    },
  };
}

const named = (logger: Logger, flow: string): Pick<Logger, 'info' | 'warn' | 'error'> => ({
  info: (message, fields) => logger.info(message, { flow, ...fields }),
  warn: (message, fields) => logger.warn(message, { flow, ...fields }),
  error: (message, fields) => logger.error(message, { flow, ...fields }),
});

const round = (value: number): number => Math.round(value * 10) / 10;
