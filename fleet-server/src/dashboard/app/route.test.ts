import { expect, test } from 'vitest';
import { hrefOf, parseRoute, type Route } from './route.ts';

const ID = '01j00000000000000000000001';

test('every page has an address that leads back to it', () => {
  const routes: Route[] = [
    { page: 'fleet' },
    { page: 'device', id: ID },
    { page: 'rollouts' },
    { page: 'new-rollout' },
    { page: 'rollout', id: ID },
    { page: 'drift' },
  ];
  for (const route of routes) expect(parseRoute(hrefOf(route))).toEqual(route);
});

test('an address that names nothing leads to the fleet, an unknown one to no page', () => {
  for (const hash of ['', '#', '#/']) expect(parseRoute(hash)).toEqual({ page: 'fleet' });
  for (const hash of ['#/devices/../../x', '#/devices', '#/rollouts/<img>', '#/nowhere', '#x']) {
    expect(parseRoute(hash)).toEqual({ page: 'unknown' });
  }
});
