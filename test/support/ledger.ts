import { decode, parseUpTopic } from '@flotilla/protocol';
import type { TappedMessage } from './mqtt-tap.ts';

/** What passed between devices and server of one device's telemetry. */
export interface Account {
  /** Inferences by (outbox, seq), of every window that was sent. */
  readonly sent: Map<string, number>;
  /** Those that the server has acknowledged as stored. */
  readonly stored: Set<string>;
  /** Records that the server refused, with the code. */
  readonly rejected: string[];
  /** Records that were sent again with another content. */
  readonly changed: string[];
}

/** Keeps account of telemetry from what travels over MQTT, apart from both ends. */
export interface Ledger {
  note(message: TappedMessage): void;
  account(device: string): Account;
}

const ACK = /\/d\/([^/]+)\/down\/ack$/;

export function createLedger(): Ledger {
  const accounts = new Map<string, Account>();
  const account = (device: string) => {
    const known = accounts.get(device);
    if (known !== undefined) return known;
    const made: Account = { sent: new Map(), stored: new Set(), rejected: [], changed: [] };
    accounts.set(device, made);
    return made;
  };

  function noteTelemetry(device: string, payload: Buffer): void {
    const { outbox, seq, window } = decode('Record', payload);
    if (!window) return;
    const { sent, changed } = account(device);
    const key = `${outbox}/${seq}`;
    const before = sent.get(key) ?? window.inferences;
    if (before !== window.inferences) changed.push(`${key}: ${before}, then ${window.inferences}`);
    sent.set(key, window.inferences);
  }

  function noteAck(device: string, payload: Buffer): void {
    const { outbox, stored, rejected } = decode('Ack', payload);
    const to = account(device);
    for (const { first, last } of stored) {
      for (let seq = first; seq <= last; seq++) to.stored.add(`${outbox}/${seq}`);
    }
    for (const { range, code } of rejected) to.rejected.push(`${range?.first} ${code}`);
  }

  return {
    account,
    note({ direction, topic, payload }) {
      if (direction === 'down') {
        const [, device] = ACK.exec(topic) ?? [];
        if (device !== undefined) noteAck(device, payload);
        return;
      }
      const { device, kind } = parseUpTopic(topic);
      if (kind === 'telemetry') noteTelemetry(device, payload);
    },
  };
}

/** Inferences of the windows that were acknowledged. */
export const acknowledged = ({ sent, stored }: Account): number =>
  [...sent].reduce((sum, [key, inferences]) => sum + (stored.has(key) ? inferences : 0), 0);
