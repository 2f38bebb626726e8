import { expect, test } from 'vitest';
import {
  checkSession,
  endSession,
  givesToken,
  keepSession,
  openSession,
  type SessionWindow,
} from './session.ts';

function fakeWindow(hash: string, stored = new Map<string, string>()) {
  const shown: string[] = [];
  const window: SessionWindow = {
    location: { hash, pathname: '/', search: '' },
    history: { replaceState: (_data, _title, url) => shown.push(String(url)) },
    sessionStorage: {
      getItem: (key) => stored.get(key) ?? null,
      setItem: (key, value) => void stored.set(key, value),
      removeItem: (key) => void stored.delete(key),
    },
  };
  return { window, shown, stored };
}

test('a token in the fragment is kept for the tab and leaves the address', () => {
  const { window, shown, stored } = fakeWindow('#token=flt_abcdefgh');
  expect(openSession(window, 'default')).toEqual({ token: 'flt_abcdefgh', fleet: 'default' });
  expect(shown).toEqual(['/#/']);
  expect(openSession(fakeWindow('#/drift', stored).window, 'default')?.token).toBe('flt_abcdefgh');
});

test('what is no token leaves the address too, and no earlier session stands in for it', () => {
  const stored = new Map<string, string>();
  openSession(fakeWindow('#token=flt_abcdefgh', stored).window, 'default');
  const { window, shown } = fakeWindow('#token=short', stored);
  expect(givesToken(window)).toBe(true);
  expect(openSession(window, 'default')).toBeUndefined();
  expect(shown).toEqual(['/#/']);
  expect(givesToken(fakeWindow('#/drift').window)).toBe(false);
});

test('the fragment may name a fleet', () => {
  const { window } = fakeWindow('#token=flt_abcdefgh&fleet=lyon');
  expect(openSession(window, 'default')?.fleet).toBe('lyon');
});

test('a tab without a token has no session, nor has one that signed out', () => {
  const { window } = fakeWindow('#/');
  expect(openSession(window, 'default')).toBeUndefined();
  keepSession(window, { token: 'flt_abcdefgh', fleet: 'default' });
  endSession(window);
  expect(openSession(window, 'default')).toBeUndefined();
});

test('what cannot be a token or a fleet is refused', () => {
  expect(checkSession({ token: 'flt_abc\r\nx: y', fleet: 'default' })).toBeUndefined();
  expect(checkSession({ token: 'flt_abcdefgh', fleet: '../other' })).toBeUndefined();
  const { window } = fakeWindow('#/', new Map([['flotilla.session', '{broken']]));
  expect(openSession(window, 'default')).toBeUndefined();
});
