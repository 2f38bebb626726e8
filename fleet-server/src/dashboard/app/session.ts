/** With what this tab speaks to the server. */
export interface Session {
  readonly token: string;
  readonly fleet: string;
}

/** What is taken of a browser's window. */
export interface SessionWindow {
  readonly location: Pick<Location, 'hash' | 'pathname' | 'search'>;
  readonly history: Pick<History, 'replaceState'>;
  readonly sessionStorage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
}

const KEY = 'flotilla.session';
const FLEET = /^[a-z0-9-]{1,31}$/;

/**
 * The session of this tab: from `#token=…&fleet=…`, which leaves the address bar and the history
 * at once, else what the tab remembers. Undefined where what is given cannot be a token.
 */
export function openSession(window: SessionWindow, fleet: string): Session | undefined {
  if (!givesToken(window)) return parseSession(window.sessionStorage.getItem(KEY));
  const given = fromFragment(window.location.hash, fleet);
  const { pathname, search } = window.location;
  window.history.replaceState(null, '', `${pathname}${search}#/`);
  if (given !== undefined) keepSession(window, given);
  return given;
}

/** The address holds a token, or what somebody takes for one. */
export const givesToken = ({ location }: Pick<SessionWindow, 'location'>): boolean =>
  parametersOf(location.hash).has('token');

const parametersOf = (hash: string) => new URLSearchParams(hash.replace(/^#/, ''));

export function keepSession(window: SessionWindow, session: Session): void {
  window.sessionStorage.setItem(KEY, JSON.stringify(session));
}

export function endSession(window: SessionWindow): void {
  window.sessionStorage.removeItem(KEY);
}

function fromFragment(hash: string, fleet: string): Session | undefined {
  const given = parametersOf(hash);
  return checkSession({ token: given.get('token') ?? '', fleet: given.get('fleet') ?? fleet });
}

function parseSession(text: string | null): Session | undefined {
  try {
    const { token, fleet } = JSON.parse(text ?? '{}') as Record<string, unknown>;
    return checkSession({ token: String(token ?? ''), fleet: String(fleet ?? '') });
  } catch {
    return undefined;
  }
}

/** A token goes into a header, a fleet into a path: neither may hold anything else. */
export function checkSession({ token, fleet }: Session): Session | undefined {
  const trimmed = { token: token.trim(), fleet: fleet.trim() };
  return /^[\w.~+/=-]{8,400}$/.test(trimmed.token) && FLEET.test(trimmed.fleet)
    ? trimmed
    : undefined;
}
