import { asFlotillaError } from '@flotilla/protocol';
import type { ServerContext } from '../context.ts';
import { executeLab } from './execute.ts';
import { planLab } from './plan.ts';
import { type LabRunRow, orderOf, readLabOrders, unfinishedLabRuns } from './store.ts';

export interface LabTicker {
  /** Takes every lab run as far as it can go now. Never overlaps: a call meanwhile runs after. */
  tick(): Promise<void>;
  /** Sends devices their desired state; what cannot be sent is sent again at the next tick. */
  publish(fleet: string, devices: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

export interface LabContext extends Pick<ServerContext, 'db' | 'dialect' | 'now' | 'log'> {
  readonly publishDesired: (fleet: string, device: string) => Promise<void>;
  /** Something of a lab run is to be drawn again. */
  readonly onChange: (fleet: string, run: string) => void;
}

/** Drives all lab runs of this process. Holds nothing that cannot be rebuilt. */
export function createLabTicker(context: LabContext, intervalMs = 1000): LabTicker {
  const { db, now, log } = context;
  let unsent: { fleet: string; device: string }[] = [];
  let running: Promise<void> | undefined;
  let again = false;
  let stopped = false;

  async function publish(fleet: string, devices: readonly string[]): Promise<void> {
    for (const device of devices) {
      try {
        await context.publishDesired(fleet, device);
      } catch (error) {
        unsent.push({ fleet, device });
        const { code, message } = asFlotillaError(error);
        log.warn({ device, code }, `desired state not sent, will be sent again: ${message}`);
      }
    }
  }

  async function advance(run: LabRunRow): Promise<void> {
    const orders = await readLabOrders(db, run);
    const actions = planLab(
      { state: run.state, timeoutMs: run.timeout_ms },
      orders.map(orderOf),
      now(),
    );
    for (const action of actions) {
      await publish(run.fleet, await executeLab(context, run, action, now()));
    }
    if (actions.length > 0) context.onChange(run.fleet, run.run);
  }

  async function pass(): Promise<void> {
    const late = unsent;
    unsent = [];
    for (const { fleet, device } of late) await publish(fleet, [device]);
    for (const run of await unfinishedLabRuns(db)) {
      if (stopped) return;
      await advance(run).catch((error: unknown) => {
        log.error({ run: run.run }, `lab run did not advance: ${asFlotillaError(error).message}`);
      });
    }
  }

  async function passes(): Promise<void> {
    do {
      again = false;
      await pass();
    } while (again && !stopped);
  }

  function tick(): Promise<void> {
    if (stopped) return Promise.resolve();
    again = running !== undefined;
    running ??= passes()
      .catch((error: unknown) => {
        log.error(`lab runs did not advance: ${asFlotillaError(error).message}`);
      })
      .finally(() => {
        running = undefined;
      });
    return running;
  }

  const timer = setInterval(() => void tick(), intervalMs);
  timer.unref();
  return {
    tick,
    publish,
    async stop() {
      stopped = true;
      clearInterval(timer);
      await running;
    },
  };
}
