import { refused, transient, usage } from './row.ts';

/** The fleet server and its API. */
export const SERVER_ERRORS = {
  'auth.forbidden': refused(
    403,
    (c: { role: string; needs: string }) =>
      `a token with role ${c.role} may not do this: it takes role ${c.needs}`,
  ),
  'auth.required': refused(
    401,
    (c: { reason: string }) =>
      `not authenticated: ${c.reason}; send Authorization: Bearer TOKEN with a valid token`,
  ),
  'auth.throttled': transient(
    429,
    (c: { address: string; seconds: number }) =>
      `too many failed log-ins from ${c.address}: try again in ${c.seconds} s`,
  ),
  'build.nothing-passed': refused(
    422,
    (c: { model: string; version: number; reason: string }) =>
      `no variant of ${c.model}@${c.version} may be shipped: ${c.reason}`,
  ),
  'config.invalid': usage(
    (c: { key: string; reason: string }) => `configuration: ${c.key}: ${c.reason}`,
  ),
  'delta.making': transient(
    503,
    (c: { seconds: number }) => `this delta is being made: ask again in ${c.seconds} s`,
  ),
  'delta.none': refused(
    404,
    (c: { reason: string }) => `there is no delta between these blobs: ${c.reason}`,
  ),
  'enroll.token-spent': refused(
    403,
    (c: { token: string }) =>
      `claim token ${c.token} has no uses left: make a new one with flotilla token claim`,
  ),
  'enroll.token-unknown': refused(
    403,
    (c: { reason: string }) =>
      `the claim token is not valid (${c.reason}): make a new one with flotilla token claim`,
  ),
  'request.conflict': refused(
    409,
    (c: { what: string; reason: string }) => `${c.what} cannot be changed: ${c.reason}`,
  ),
  'request.invalid': refused(
    400,
    // empty where the reason itself names the field
    (c: { where: string; reason: string; field?: string }) =>
      c.where === '' ? c.reason : `${c.where}: ${c.reason}`,
  ),
  'request.precondition': refused(
    412,
    (c: { what: string; current: string }) =>
      `${c.what} was changed by someone else (it is now ${c.current}): read it again`,
  ),
  'request.too-large': refused(
    413,
    (c: { where: string; limit: string }) => `${c.where} is larger than the ${c.limit} allowed`,
  ),
  'server.broker-offline': transient(
    503,
    (c: { url: string }) => `the MQTT broker ${c.url} cannot be reached: check that it runs`,
  ),
  'server.broker-refused': refused(
    502,
    (c: { url: string; reason: string }) =>
      `the MQTT broker ${c.url} refused: ${c.reason}; check the server's user and its rights there`,
  ),
  'server.busy': transient(
    503,
    (c: { what: string; limit: number }) =>
      `this server serves at most ${c.limit} ${c.what} at once: try again later`,
  ),
  'server.cannot-listen': usage(
    (c: { what: string; address: string; reason: string }) =>
      `the ${c.what} cannot listen on ${c.address} (${c.reason}): give an address of this machine and a port it may use`,
  ),
  'server.data-foreign': usage(
    (c: { data: string; reason: string }) =>
      `${c.data} is not the data folder of this server: ${c.reason}; give another --data`,
  ),
  'server.data-in-use': refused(
    409,
    (c: { data: string; holder: string }) =>
      `${c.data} is in use by ${c.holder}: stop it first or give another --data`,
  ),
  'server.data-newer': refused(
    409,
    (c: { where: string; step: string }) =>
      `${c.where} was written by a newer Flotilla (it holds step ${c.step}): start that version`,
  ),
  'server.database-unreachable': transient(
    503,
    (c: { where: string; reason: string }) =>
      `the database ${c.where} cannot be opened (${c.reason}): check its address and that it runs`,
  ),
  'server.insecure-listen': usage(
    (c: { address: string }) =>
      `${c.address} can be reached from other machines without TLS: give --tls-cert and --tls-key, or --insecure`,
  ),
  'server.key-foreign': refused(
    409,
    (c: { fleet: string; key: string }) =>
      `fleet ${c.fleet} trusts other keys than this data folder's (${c.key}…): give the --data that belongs to this database`,
  ),
  'server.not-found': refused(
    404,
    (c: { what: string; id: string; instead?: string }) =>
      `there is no ${c.what} ${c.id} here${c.instead === undefined ? '' : `: ${c.instead}`}`,
  ),
  'server.port-in-use': refused(
    409,
    (c: { what: string; address: string }) =>
      `the ${c.what} cannot listen on ${c.address}: something else uses that port; stop it or give another port`,
  ),
  'upload.invalid': refused(
    422,
    (c: { where: string; reason: string }) => `upload: ${c.where} ${c.reason}`,
  ),
} as const;
