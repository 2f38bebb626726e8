import { FlotillaError } from './error.ts';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const ULID = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/;
const FLEET = /^[a-z0-9-]{1,31}$/;
const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/**
 * A new ULID in lower case: 48 bits of wall clock, 80 of chance (github.com/ulid/spec).
 *
 * @param now wall-clock milliseconds since 1970
 */
export function newId(now: number = Date.now()): string {
  const random = crypto.getRandomValues(new Uint8Array(16));
  let time = '';
  for (let rest = now, i = 0; i < 10; i++, rest = Math.floor(rest / 32)) {
    time = ALPHABET.charAt(rest % 32) + time;
  }
  return time + Array.from(random, (byte) => ALPHABET.charAt(byte % 32)).join('');
}

export const isId = (text: string): boolean => ULID.test(text);
export const isFleet = (text: string): boolean => FLEET.test(text);
/** Names of models, slots, tags: safe in a path, a topic and a URL. */
export const isName = (text: string): boolean => NAME.test(text) && !text.includes('..');
export const isDigest = (text: string): boolean => DIGEST.test(text);

/** The reserved slot, and the name of what runs in it: releases of the agent. No model has it. */
export const AGENT_SLOT = '_agent';

/** A model with its slot, or the agent with its own. */
export const isSlotName = (text: string): boolean => text === AGENT_SLOT || isName(text);

/** @throws FlotillaError `name.invalid` */
export function checkName(what: string, text: string): string {
  if (isName(text)) return text;
  throw new FlotillaError('name.invalid', { what, name: text.slice(0, 80) });
}
