import type { UserTokensTable } from '../db/schema.ts';
import { ALL_FLEETS } from '../trust/user-tokens.ts';

export type Role = UserTokensTable['role'];

/** Rising: each may do what those before it may. */
export const ROLES = ['viewer', 'operator', 'approver', 'admin'] as const satisfies readonly Role[];

/** Who asks. */
export type Principal =
  | { readonly kind: 'nobody' }
  | { readonly kind: 'user'; readonly token: string; readonly role: Role; readonly fleet: string }
  | { readonly kind: 'device'; readonly fleet: string; readonly device: string };

/** What a route demands: `public` nothing, `device` a device of the fleet or any user of it. */
export type Access = 'public' | 'device' | Role;

/** How the audit log names them. */
export function actorOf(principal: Principal): string {
  switch (principal.kind) {
    case 'nobody':
      return 'nobody';
    case 'user':
      return `token:${principal.token}`;
    case 'device':
      return `device:${principal.device}`;
  }
}

export type Permission =
  | { readonly granted: true }
  | { readonly granted: false; readonly role: string; readonly needs: string };

/** @param fleet that the request is about; undefined: the server as a whole */
export function permits(
  principal: Principal,
  access: Access,
  fleet: string | undefined,
): Permission {
  if (access === 'public') return { granted: true };
  const needs = access === 'device' ? 'viewer' : access;
  if (principal.kind === 'nobody') return { granted: false, role: 'none', needs };
  const inFleet = principal.fleet === fleet;
  if (principal.kind === 'device') {
    if (access === 'device' && (inFleet || fleet === undefined)) return { granted: true };
    return { granted: false, role: 'device', needs };
  }
  const everywhere = principal.fleet === ALL_FLEETS;
  const enough = ROLES.indexOf(principal.role) >= ROLES.indexOf(needs);
  if (enough && (everywhere || inFleet)) return { granted: true };
  const role = everywhere || inFleet ? principal.role : `${principal.role} of another fleet`;
  return { granted: false, role, needs };
}
