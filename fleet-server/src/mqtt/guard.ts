import { isFleet, isId, mayPublish, maySubscribe } from '@flotilla/protocol';
import type { AedesOptions, Client } from 'aedes';
import type { Logger } from 'pino';

/** Whether a device may log in: its JWT is the password. */
export type DeviceLogin = (
  fleet: string,
  device: string,
  jwt: string,
) => Promise<{ readonly ok: true } | { readonly ok: false; readonly reason: string }>;

interface Session {
  readonly fleet: string;
  readonly device: string;
  /** Why the CONNECT packet itself is refused. */
  readonly refusal: string | undefined;
  subscriptions: number;
}

type Guard = Required<
  Pick<AedesOptions, 'preConnect' | 'authenticate' | 'authorizePublish' | 'authorizeSubscribe'>
>;

/** Connect return codes of MQTT 3.1.1 §3.2.2.3. */
const BAD_CREDENTIALS = 4;
const NOT_AUTHORIZED = 5;
/** A device needs two filters. */
const MAX_SUBSCRIPTIONS = 32;

/** What a device may do at the embedded broker: log in as itself, write its `up`, read its `down`. */
export function createGuard({ login, log }: { login: DeviceLogin; log: Logger }): Guard {
  const sessions = new WeakMap<Client, Session>();
  const refuse = (client: Client, reason: string, returnCode: 4 | 5) => {
    const { fleet, device } = sessions.get(client) ?? { fleet: '', device: '' };
    log.warn({ fleet, device, reason }, 'mqtt log-in refused');
    return Object.assign(new Error(reason), { returnCode });
  };
  return {
    preConnect(client, packet, done) {
      const [fleet = '', device = '', ...rest] = (packet.username ?? '').split('/');
      const named = isFleet(fleet) && isId(device) && rest.length === 0;
      let refusal: string | undefined;
      if (!named) refusal = 'the user name is not fleet/device';
      else if (packet.clientId !== device) refusal = 'the client id is not the device';
      else if (packet.will !== undefined && !mayLeave(fleet, device, packet.will.topic)) {
        refusal = 'the will is not on the own up/state';
      }
      const known = named ? { fleet, device } : { fleet: '', device: '' };
      sessions.set(client, { ...known, refusal, subscriptions: 0 });
      // nothing is kept for a device that is away: it asks for everything when it comes back
      packet.clean = true;
      done(null, true);
    },
    authenticate(client, _username, password, done) {
      const session = sessions.get(client);
      const reason = session === undefined ? 'no CONNECT packet' : session.refusal;
      if (session === undefined || reason !== undefined) {
        done(refuse(client, reason ?? '', NOT_AUTHORIZED), null);
        return;
      }
      login(session.fleet, session.device, password?.toString('utf8') ?? '').then(
        (verdict) => {
          if (verdict.ok) done(null, true);
          else done(refuse(client, verdict.reason, BAD_CREDENTIALS), null);
        },
        (error: Error) => done(refuse(client, error.message, NOT_AUTHORIZED), null),
      );
    },
    authorizePublish(client, packet, done) {
      const session = client === null ? undefined : sessions.get(client);
      if (client === null) return done(null);
      const { topic, retain } = packet;
      const allowed = session !== undefined && mayPublish(session.fleet, session.device, topic);
      if (allowed && (!retain || topic.endsWith('/up/state'))) {
        // nobody here may read it later, and every subscription would search all that is kept
        packet.retain = false;
        return done(null);
      }
      const from = { fleet: session?.fleet, device: session?.device };
      log.warn({ ...from, topic: topic.slice(0, 200), retain }, 'mqtt publish refused');
      done(new Error(`may not publish to ${topic.slice(0, 200)}`));
    },
    authorizeSubscribe(client, subscription, done) {
      const session = sessions.get(client);
      const { topic } = subscription;
      const allowed =
        session !== undefined &&
        maySubscribe(session.fleet, session.device, topic) &&
        session.subscriptions++ < MAX_SUBSCRIPTIONS;
      if (allowed) return done(null, subscription);
      const from = { fleet: session?.fleet, device: session?.device };
      log.warn({ ...from, topic: topic.slice(0, 200) }, 'mqtt subscription refused');
      done(null, null);
    },
  };
}

/** A will is published in the device's name after it is gone: only its state may be one. */
function mayLeave(fleet: string, device: string, topic: string): boolean {
  return mayPublish(fleet, device, topic) && topic.endsWith('/up/state');
}
