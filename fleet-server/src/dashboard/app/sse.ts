export interface ServerEvent {
  /** Of this event or the last one before it that had an id. */
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** An event may grow to that many characters before the stream counts as broken. */
const MAX_EVENT = 1 << 20;

/**
 * Reads an event stream that comes in pieces (HTML Standard §9.2.6).
 *
 * @returns takes the next piece of text and gives the events that it completed
 * @throws RangeError where an event does not end
 */
export function createSseParser(): (piece: string) => ServerEvent[] {
  let rest = '';
  let id = '';
  let event = '';
  let data: string[] = [];

  function field(name: string, value: string): void {
    if (name === 'event') event = value;
    else if (name === 'data') data.push(value);
    else if (name === 'id' && !value.includes('\0')) id = value;
  }

  function line(text: string): ServerEvent | undefined {
    if (text === '') {
      const done =
        data.length > 0 ? { id, event: event || 'message', data: data.join('\n') } : undefined;
      event = '';
      data = [];
      return done;
    }
    const colon = text.indexOf(':');
    if (colon === -1) field(text, '');
    else if (colon > 0) field(text.slice(0, colon), text.slice(colon + 1).replace(/^ /, ''));
    return undefined;
  }

  return (piece) => {
    rest += piece;
    const events: ServerEvent[] = [];
    // a carriage return at the end may be half of a line end
    const whole = rest.endsWith('\r') ? rest.slice(0, -1) : rest;
    const end = Math.max(whole.lastIndexOf('\n'), whole.lastIndexOf('\r')) + 1;
    const ready = rest.slice(0, end);
    rest = rest.slice(end);
    if (rest.length > MAX_EVENT) throw new RangeError('an event of the stream does not end');
    for (const text of ready.split(/\r\n|\n|\r/).slice(0, -1)) {
      const done = line(text);
      if (done !== undefined) events.push(done);
    }
    return events;
  };
}
