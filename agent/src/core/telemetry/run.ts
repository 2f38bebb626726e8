import type { Draft, Window } from '@flotilla/protocol';
import type { FleetClock } from '../link/fleet-clock.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Device, Logger } from '../ports.ts';
import type { Wakeup } from '../wakeup.ts';
import type { Recorder } from './recorder.ts';

export interface TelemetryPorts {
  readonly recorder: Pick<Recorder, 'take' | 'putBack' | 'closeAll' | 'untilBoundary'>;
  readonly outbox: Outbox;
  readonly clock: FleetClock;
  readonly device: Device;
  readonly logger: Logger;
  /** Woken when the length of windows may have changed. */
  readonly wakeup: Wakeup;
  /** Whether a window is the fleet's business. */
  isTold(window: Draft<Window>): boolean;
  /** Windows were put into the outbox. */
  stored(): void;
}

/** After a boundary, so that the window that ended there is over for certain. */
const MARGIN_MS = 5;

/** Moves ended windows to the outbox at each boundary; the last ones when the signal aborts. */
export async function runTelemetry(ports: TelemetryPorts, signal: AbortSignal): Promise<void> {
  const { recorder, logger, wakeup } = ports;
  for (;;) {
    await wakeup.wait(recorder.untilBoundary() + MARGIN_MS, signal);
    if (signal.aborted) recorder.closeAll();
    await storeWindows(ports, recorder.take().filter(ports.isTold)).catch((error) => {
      logger.error('telemetry not stored', { error });
    });
    if (signal.aborted) return;
  }
}

/** What cannot be stored now, because the disk is full, is tried again at the next boundary. */
async function storeWindows(
  { recorder, outbox, clock, device, stored }: TelemetryPorts,
  windows: readonly Draft<Window>[],
): Promise<void> {
  if (windows.length === 0) return;
  const resources = await device.resources();
  const at = clock.stamp();
  const results = await Promise.allSettled(
    windows.map((window) =>
      outbox.append('telemetry', { at, window: { ...window, resources } }, clock.trustedNow()),
    ),
  );
  recorder.putBack(windows.filter((_, i) => results[i]?.status === 'rejected'));
  stored();
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
