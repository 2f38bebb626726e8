import { Duplex, Transform } from 'node:stream';

/** Fixed header of an MQTT packet (MQTT 3.1.1 §2.2): one byte, then a length of 1 to 4 bytes. */
const MAX_LENGTH_BYTES = 4;

/**
 * Measures packets as they pass, without keeping them, so that none is gathered in memory that is
 * longer than any we read: the format allows 256 MB.
 */
export class PacketMeter {
  readonly #max: number;
  #state: 'type' | 'length' | 'body' = 'type';
  #lengthBytes = 0;
  #remaining = 0;

  constructor(maxBytes: number) {
    this.#max = maxBytes;
  }

  /** False once a packet announces more than the limit, or its length is malformed. */
  accepts(chunk: Uint8Array): boolean {
    for (let at = 0; at < chunk.length; ) {
      if (this.#state === 'body') {
        const taken = Math.min(this.#remaining, chunk.length - at);
        this.#remaining -= taken;
        at += taken;
        if (this.#remaining === 0) this.#state = 'type';
      } else if (!this.#header(chunk[at++] ?? 0)) return false;
    }
    return true;
  }

  #header(byte: number): boolean {
    if (this.#state === 'type') {
      this.#state = 'length';
      this.#lengthBytes = 0;
      this.#remaining = 0;
      return true;
    }
    this.#remaining += (byte & 0x7f) * 128 ** this.#lengthBytes++;
    const more = byte >= 0x80;
    if (this.#remaining > this.#max || (more && this.#lengthBytes === MAX_LENGTH_BYTES))
      return false;
    if (!more) this.#state = this.#remaining === 0 ? 'type' : 'body';
    return true;
  }
}

/** A connection that breaks off at the first packet above the limit. */
export function withPacketLimit(connection: Duplex, maxBytes: number): Duplex {
  const meter = new PacketMeter(maxBytes);
  const metered = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      if (meter.accepts(chunk)) done(null, chunk);
      else done(new Error(`an MQTT packet of more than ${maxBytes} bytes`));
    },
  });
  connection.on('error', (error) => metered.destroy(error));
  connection.on('close', () => metered.destroy());
  return Duplex.from({ readable: connection.pipe(metered), writable: connection });
}
