/** What the address names. */
export type Route =
  | { readonly page: 'fleet' }
  | { readonly page: 'device'; readonly id: string }
  | { readonly page: 'rollouts' }
  | { readonly page: 'new-rollout' }
  | { readonly page: 'rollout'; readonly id: string }
  | { readonly page: 'drift' }
  | { readonly page: 'unknown' };

/** The part of the navigation under which a page lies. */
export type Section = 'fleet' | 'rollouts' | 'drift';

const ID = '[0-9a-z]{26}';

/** @param hash of the address; an empty one leads to the fleet */
export function parseRoute(hash: string): Route {
  const path = hash.replace(/^#/, '');
  const [, device] = new RegExp(`^/devices/(${ID})$`).exec(path) ?? [];
  if (device !== undefined) return { page: 'device', id: device };
  const [, rollout] = new RegExp(`^/rollouts/(${ID})$`).exec(path) ?? [];
  if (rollout !== undefined) return { page: 'rollout', id: rollout };
  if (path === '/rollouts/new') return { page: 'new-rollout' };
  if (path === '/rollouts') return { page: 'rollouts' };
  if (path === '/drift') return { page: 'drift' };
  return { page: ['', '/'].includes(path) ? 'fleet' : 'unknown' };
}

export function hrefOf(route: Route): string {
  switch (route.page) {
    case 'fleet':
    case 'unknown':
      return '#/';
    case 'device':
      return `#/devices/${route.id}`;
    case 'rollouts':
      return '#/rollouts';
    case 'new-rollout':
      return '#/rollouts/new';
    case 'rollout':
      return `#/rollouts/${route.id}`;
    case 'drift':
      return '#/drift';
  }
}

export function sectionOf({ page }: Route): Section | undefined {
  if (page === 'unknown') return undefined;
  if (page === 'device') return 'fleet';
  return page === 'rollout' || page === 'new-rollout' ? 'rollouts' : page;
}
