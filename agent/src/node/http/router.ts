import { FlotillaError } from '@flotilla/protocol';
import type { Route } from './route.ts';

export interface Match {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

export interface Router {
  /**
   * @param url path and query as they stand in the request
   * @throws FlotillaError `http.no-route`, `http.wrong-method`, `http.bad-path`
   */
  match(method: string, url: string): Match;
}

interface Row {
  readonly route: Route;
  readonly segments: readonly string[];
}

export function createRouter(routes: readonly Route[]): Router {
  const rows = routes.map((route): Row => ({ route, segments: route.path.split('/') }));
  return {
    match(method, url) {
      const path = url.split('?', 1)[0] ?? '';
      const segments = path.split('/');
      const fitting = rows.filter((row) => fits(row.segments, segments));
      const found = fitting.find(({ route }) => route.method === method);
      if (found !== undefined) return { route: found.route, params: paramsOf(found, segments) };
      const where = path.slice(0, 120);
      if (fitting.length === 0) throw new FlotillaError('http.no-route', { path: where });
      const allowed = fitting.map(({ route }) => route.method).join(', ');
      throw new FlotillaError('http.wrong-method', { path: where, method, allowed });
    },
  };
}

const isName = (segment: string): boolean => segment.startsWith(':');

const fits = (pattern: readonly string[], segments: readonly string[]): boolean =>
  pattern.length === segments.length &&
  pattern.every((part, i) => (isName(part) ? segments[i] !== '' : part === segments[i]));

function paramsOf({ segments: pattern }: Row, segments: readonly string[]): Match['params'] {
  const named = pattern.flatMap((part, i) =>
    isName(part) ? [[part.slice(1), decoded(segments[i] ?? '')] as const] : [],
  );
  return Object.fromEntries(named);
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new FlotillaError('http.bad-path', { path: segment.slice(0, 120) }, { cause });
  }
}
