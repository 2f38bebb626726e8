import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hoursOf, knownZone, lengthMinutes, type MaintenanceWindow } from './windows.ts';

const at = (text: string): number => Date.parse(text);
const iso = (ms: number | undefined): string => new Date(ms ?? Number.NaN).toISOString();
const night: MaintenanceWindow = { from: '02:00', to: '05:00' };

describe('maintenance hours', () => {
  it('are always open where no window is set', () => {
    const hours = hoursOf([], 'Europe/Paris');
    expect(hours.isOpen(0)).toBe(true);
    expect(hours.openingMs(77)).toBe(77);
    expect(hours.closingMs(77)).toBe(0);
  });

  it('follow the clock of the device, or of the zone that the window names', () => {
    const now = at('2027-01-12T01:30:00Z');
    expect(hoursOf([night], 'Europe/Paris').isOpen(now)).toBe(true);
    expect(hoursOf([night], 'UTC').isOpen(now)).toBe(false);
    expect(hoursOf([{ ...night, timeZone: 'Europe/Paris' }], 'Asia/Tokyo').isOpen(now)).toBe(true);
    expect(iso(hoursOf([night], 'Asia/Kolkata').openingMs(now))).toBe('2027-01-12T20:30:00.000Z');
    expect(iso(hoursOf([night], 'UTC').openingMs(now))).toBe('2027-01-12T02:00:00.000Z');
    expect(iso(hoursOf([night], 'Europe/Paris').closingMs(now))).toBe('2027-01-12T04:00:00.000Z');
  });

  it('begin on their days and may pass midnight', () => {
    const friday = hoursOf([{ days: ['fri'], from: '22:00', to: '03:00' }], 'UTC');
    expect(friday.isOpen(at('2027-01-15T22:00:00Z'))).toBe(true);
    expect(friday.isOpen(at('2027-01-16T02:59:59Z'))).toBe(true);
    expect(friday.isOpen(at('2027-01-16T03:00:00Z'))).toBe(false);
    expect(friday.isOpen(at('2027-01-16T22:30:00Z'))).toBe(false);
    expect(friday.isOpen(at('2027-01-15T02:30:00Z'))).toBe(false);
    expect(iso(friday.openingMs(at('2027-01-16T03:00:00Z')))).toBe('2027-01-22T22:00:00.000Z');
  });

  it('end a day at 24:00', () => {
    const hours = hoursOf([{ from: '23:00', to: '24:00' }], 'UTC');
    expect(iso(hours.closingMs(at('2027-01-12T23:10:00Z')))).toBe('2027-01-13T00:00:00.000Z');
  });

  it('open where clocks are put forward, as soon as they show a time in the window', () => {
    // Berlin, 28 March 2027: after 01:59 comes 03:00
    const hours = hoursOf([{ from: '02:30', to: '04:00' }], 'Europe/Berlin');
    const before = at('2027-03-28T00:50:00Z');
    expect(hours.isOpen(before)).toBe(false);
    expect(iso(hours.openingMs(before))).toBe('2027-03-28T01:00:00.000Z');
    expect(iso(hours.closingMs(at('2027-03-28T01:00:00Z')))).toBe('2027-03-28T02:00:00.000Z');
  });

  it('are left out where the clocks skip all of a window', () => {
    const hours = hoursOf([{ from: '02:10', to: '02:50' }], 'Europe/Berlin');
    expect(iso(hours.openingMs(at('2027-03-28T00:00:00Z')))).toBe('2027-03-29T00:10:00.000Z');
  });

  it('are open twice where clocks are put back and show the window twice', () => {
    // Berlin, 31 October 2027: 02:00 to 02:59 comes at 00:00Z and again at 01:00Z
    const hours = hoursOf([{ from: '02:10', to: '02:30' }], 'Europe/Berlin');
    const first = hours.openingMs(at('2027-10-30T23:00:00Z'));
    expect(iso(first)).toBe('2027-10-31T00:10:00.000Z');
    const closed = hours.closingMs(first ?? 0);
    expect(iso(closed)).toBe('2027-10-31T00:30:00.000Z');
    expect(iso(hours.openingMs(closed))).toBe('2027-10-31T01:10:00.000Z');
  });

  it('take a zone that does not exist for UTC', () => {
    expect(knownZone('Mars/Olympus')).toBe('UTC');
    expect(knownZone('')).toBe('UTC');
    expect(hoursOf([night], 'Mars/Olympus').isOpen(at('2027-01-12T02:30:00Z'))).toBe(true);
  });

  it('are open when they say that they open, and not a minute before', () => {
    const time = fc
      .integer({ min: 0, max: 1439 })
      .map(
        (m) => `${String(Math.floor(m / 60)).padStart(2, '0')}:${String(m % 60).padStart(2, '0')}`,
      );
    const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe');
    const day = fc.subarray(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const);
    const when = fc.integer({ min: at('2027-01-01T00:00:00Z'), max: at('2027-12-31T00:00:00Z') });
    fc.assert(
      fc.property(time, time, zone, day, when, (from, to, name, days, now) => {
        const length = lengthMinutes({ from, to });
        fc.pre(length >= 15 && length <= 1425);
        const hours = hoursOf([{ days, from, to }], name);
        const opens = hours.openingMs(now);
        expect(opens).toBeDefined();
        expect(hours.isOpen(opens ?? 0)).toBe(true);
        if ((opens ?? 0) > now + 60_000) expect(hours.isOpen((opens ?? 0) - 60_000)).toBe(false);
        const closes = hours.closingMs(opens ?? 0);
        if (closes > 0) expect(hours.isOpen(closes)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });
});
