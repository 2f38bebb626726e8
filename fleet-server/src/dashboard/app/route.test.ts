import { expect, test } from 'vitest';
import { hrefOf, parseRoute, type Route } from './route.ts';

const ID = '01j00000000000000000000001';

test('every page has an address that leads back to it', () => {
  const routes: Route[] = [
    { page: 'fleet' },
    { page: 'device', id: ID },
    { page: 'rollouts' },
    { page: 'rollout', id: ID },
    { page: 'drift' },
  ];
  for (const route of routes) expect(parseRoute(hrefOf(route))).toEqual(route);
});

test('an address that names nothing leads to the fleet', () => {
  for (const hash of ['', '#', '#/devices/../../x', '#/rollouts/<img>', '#token=x']) {
    expect(parseRoute(hash)).toEqual({ page: 'fleet' });
  }
});
