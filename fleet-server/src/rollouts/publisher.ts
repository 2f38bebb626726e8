import { asFlotillaError } from '@flotilla/protocol';
import { beside } from '../beside.ts';
import type { ServerContext } from '../context.ts';
import type { AdvanceContext } from './advance.ts';
import { ENDED_STATES } from './store.ts';

export interface Publisher {
  /** Never throws: what could not be sent is sent again by `repeat`. */
  publish(fleet: string, device: string): Promise<void>;
  /**
   * Sends what failed before; the first time, to every device with a deployment or a removal under
   * way, because a server that died between its commit and its message leaves a connected device
   * uninformed.
   */
  repeat(): Promise<void>;
}

const TOGETHER = 32;

type PublisherContext = Pick<AdvanceContext, 'db' | 'publishDesired'> & Pick<ServerContext, 'log'>;

export function createPublisher({ db, log, publishDesired }: PublisherContext): Publisher {
  let unsent = new Map<string, { fleet: string; device: string }>();
  let begun = false;

  async function publish(fleet: string, device: string): Promise<void> {
    try {
      await publishDesired(fleet, device);
    } catch (error) {
      unsent.set(`${fleet}/${device}`, { fleet, device });
      const { code, message } = asFlotillaError(error);
      log.warn({ device, code }, `desired state not sent, will be sent again: ${message}`);
    }
  }

  return {
    publish,
    async repeat() {
      if (!begun) {
        const uninformed = [...(await deploying(db)), ...(await emptying(db))];
        await beside(TOGETHER, uninformed, ({ fleet, device }) => publish(fleet, device));
        begun = true;
        return;
      }
      const again = [...unsent.values()];
      unsent = new Map();
      await beside(TOGETHER, again, ({ fleet, device }) => publish(fleet, device));
    },
  };
}

/** Devices whose slot names a deployment that has not ended. */
async function deploying(db: ServerContext['db']) {
  return db
    .selectFrom('slots as s')
    .innerJoin('deployments as d', (join) =>
      join
        .onRef('d.fleet', '=', 's.fleet')
        .on((e) => e('d.deployment', 'in', [e.ref('s.active'), e.ref('s.shadow')])),
    )
    .select(['s.fleet', 's.device'])
    .where('d.result', 'in', ['pending', 'in-progress'])
    .distinct()
    .execute();
}

/** Devices of which a rollout waits for the removal of what it had brought. */
async function emptying(db: ServerContext['db']) {
  return db
    .selectFrom('rollout_members as m')
    .innerJoin('rollouts as r', (join) =>
      join.onRef('r.fleet', '=', 'm.fleet').onRef('r.rollout', '=', 'm.rollout'),
    )
    .select(['m.fleet', 'm.device'])
    .where('r.state', 'not in', [...ENDED_STATES])
    .where('m.back', '=', '')
    .where('m.back_state', '=', 'sent')
    .distinct()
    .execute();
}
