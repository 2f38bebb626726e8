import {
  type CommandResult,
  type Desired,
  type Draft,
  decode,
  deviceTopics,
  fleetTopics,
  type Halt,
  isFlotillaError,
  type MessageName,
  type Messages,
  type Verifier,
} from '@flotilla/protocol';
import { compareVersions, readDesired } from './desired.ts';
import { createQueue } from './durable.ts';
import type { Identity } from './identity.ts';
import type { Journal } from './journal.ts';
import type { FleetClock } from './link/fleet-clock.ts';
import type { Outbox } from './outbox/outbox.ts';
import type { Logger } from './ports.ts';
import { openHalt } from './trust.ts';

export interface InboxPorts {
  readonly identity: Identity;
  readonly journal: Journal;
  readonly outbox: Outbox;
  readonly clock: FleetClock;
  readonly verifier: Verifier;
  readonly logger: Logger;
  /** Ends what waits to be tried again. */
  readonly stopping: AbortSignal;
  /** What is wanted, or whether the fleet is halted, has changed. */
  changed(): void;
  /** Records were acknowledged. */
  settled(): void;
  answer(command: string, result: Draft<CommandResult>): Promise<void>;
}

/** Before a message that could not be stored is taken again: a disk may have room by then. */
const AGAIN_MS = 15_000;

/**
 * Takes messages from the broker one after the other. One that is wrong, forged or old is named in
 * the log and changes nothing: duplicates and reordering are normal. One that cannot be stored is
 * taken again later, because nobody sends it again while the connection lasts.
 *
 * @returns what is to be called with each topic and payload
 */
export function createInbox(ports: InboxPorts): (topic: string, payload: Uint8Array) => void {
  const { identity, journal, outbox, clock, logger, stopping } = ports;
  const { down, command } = deviceTopics(identity.fleet, identity.device);
  const { halt } = fleetTopics(identity.fleet);
  const commands = command('');
  const queue = createQueue();

  function take<K extends MessageName>(
    name: K,
    payload: Uint8Array,
    handle: (message: Messages[K]) => Promise<void> | void,
  ): void {
    const handled = queue(async () => handle(decode(name, payload)));
    handled.catch((error) => {
      if (!mayPass(error)) return logger.warn('message ignored', { message: name, error });
      logger.error('message not stored', { message: name, error });
      return again(name, payload, handle);
    });
  }

  async function again<K extends MessageName>(
    name: K,
    payload: Uint8Array,
    handle: (message: Messages[K]) => Promise<void> | void,
  ): Promise<void> {
    await clock.sleep(AGAIN_MS, stopping);
    if (!stopping.aborted) take(name, payload, handle);
  }

  async function takeDesired(message: Desired): Promise<void> {
    const wanted = readDesired(message);
    // where HTTP is barred nobody else tells the time, and it never goes back
    const { wallMs = 0 } = message.at ?? {};
    if (!clock.synced && wallMs > 0) {
      clock.setServerTime(Math.max(wallMs, clock.now()), clock.monotonic());
    }
    if (message.halt) await takeHalt(message.halt);
    if (compareVersions(wanted, journal.state.wanted) < 0) return;
    await journal.update((draft) => {
      draft.wanted = wanted;
    });
    ports.changed();
  }

  async function takeHalt(message: Halt): Promise<void> {
    if (message.signed.length === 0) return;
    const newer = await openHalt(ports, message);
    if (newer === undefined) return;
    await journal.update((draft) => {
      draft.halt = newer;
    });
    logger.warn(newer.halted ? 'fleet halted' : 'fleet goes on', { counter: newer.counter });
    ports.changed();
  }

  return (topic, payload) => {
    if (topic === down.desired) take('Desired', payload, takeDesired);
    if (topic === halt) take('Halt', payload, takeHalt);
    if (topic === down.ack) {
      take('Ack', payload, (ack) => {
        outbox.settle(ack);
        ports.settled();
      });
    }
    if (topic.startsWith(commands)) {
      const text = 'this agent carries out no commands';
      const refusal = { ok: false, code: 'command.unsupported', text };
      take('Command', payload, () => ports.answer(topic.slice(commands.length), refusal));
    }
  };
}

/** Faults of the medium; what is wrong with a message says so in its own words. */
const mayPass = (error: unknown): boolean =>
  !isFlotillaError(error) || isFlotillaError(error, 'storage.full');
