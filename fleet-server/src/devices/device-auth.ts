import { isFleet, isId } from '@flotilla/protocol';
import { decodeJwt, errors, importJWK, type JWK, type JWTPayload, jwtVerify } from 'jose';
import type { ServerContext } from '../context.ts';

export interface DeviceIdentity {
  readonly fleet: string;
  readonly device: string;
}

export type DeviceVerdict =
  | ({ readonly ok: true } & DeviceIdentity)
  | { readonly ok: false; readonly reason: string };

const MAX_LIFETIME_S = 300;
/** Devices ask for the server's time before they sign, but clocks still drift apart a little. */
const CLOCK_TOLERANCE_S = 30;
const MAX_JWT_LENGTH = 2048;
const AUDIENCE = 'flotilla/';

const refuse = (reason: string): DeviceVerdict => ({ ok: false, reason });

/**
 * Who signed this log-in: a JWT by the device's own key (EdDSA, RFC 8037), for this fleet, valid
 * for five minutes at most.
 *
 * @param expected who it must be; left out: whoever it names
 */
export async function verifyDeviceJwt(
  { db, now }: Pick<ServerContext, 'db' | 'now'>,
  jwt: string,
  expected?: DeviceIdentity,
): Promise<DeviceVerdict> {
  const claimed = readClaims(jwt);
  if (claimed === undefined) return refuse('the log-in is not a device JWT');
  const { fleet, device } = claimed;
  if (expected !== undefined && (expected.fleet !== fleet || expected.device !== device)) {
    return refuse(`the log-in is that of device ${device}`);
  }
  const row = await db
    .selectFrom('devices')
    .select(['public_key', 'status'])
    .where('fleet', '=', fleet)
    .where('device', '=', device)
    .executeTakeFirst();
  if (row === undefined) return refuse(`device ${device} is not enrolled in fleet ${fleet}`);
  if (row.status !== 'accepted') return refuse(`device ${device} is ${row.status}`);
  try {
    const key = await importJWK(JSON.parse(row.public_key) as JWK, 'EdDSA');
    const { payload } = await jwtVerify(jwt, key, {
      algorithms: ['EdDSA', 'Ed25519'],
      audience: `${AUDIENCE}${fleet}`,
      issuer: device,
      subject: device,
      requiredClaims: ['iat', 'exp'],
      clockTolerance: CLOCK_TOLERANCE_S,
      currentDate: new Date(now()),
    });
    return checkTimes(payload, now()) ?? { ok: true, fleet, device };
  } catch (error) {
    return refuse(error instanceof errors.JOSEError ? error.message : 'its key cannot be read');
  }
}

function readClaims(jwt: string): DeviceIdentity | undefined {
  if (jwt.length > MAX_JWT_LENGTH) return undefined;
  let payload: JWTPayload;
  try {
    payload = decodeJwt(jwt);
  } catch {
    return undefined;
  }
  const { sub = '', aud } = payload;
  if (typeof aud !== 'string' || !aud.startsWith(AUDIENCE)) return undefined;
  const fleet = aud.slice(AUDIENCE.length);
  return isFleet(fleet) && typeof sub === 'string' && isId(sub)
    ? { fleet, device: sub }
    : undefined;
}

function checkTimes({ iat = 0, exp = 0 }: JWTPayload, nowMs: number): DeviceVerdict | undefined {
  if (exp - iat > MAX_LIFETIME_S) return refuse(`the log-in is valid for over ${MAX_LIFETIME_S} s`);
  const early = iat - nowMs / 1000;
  if (early > CLOCK_TOLERANCE_S)
    return refuse(`the log-in is ${Math.round(early)} s in the future`);
  return undefined;
}
