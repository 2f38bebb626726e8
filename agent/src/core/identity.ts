import { isFleet, isId } from '@flotilla/protocol';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';

const Url = Type.String({ pattern: '^https?://', maxLength: 2048 });

/** Who this device is: the server's answer to its enrolment, kept as it came. */
export const Identity = Type.Object({
  fleet: Type.String({ maxLength: 31 }),
  device: Type.String({ maxLength: 26 }),
  /** Base address of the server's API. */
  api: Url,
  mqtt: Type.Object({
    url: Type.String({ pattern: '^(mqtts?|wss?)://', maxLength: 2048 }),
    username: Type.String({ maxLength: 512 }),
    /** Only for brokers that cannot check a JWT. */
    password: Type.Optional(Type.String({ maxLength: 512 })),
  }),
});
export type Identity = Static<typeof Identity>;

/** Stands where a device is in no fleet: nothing of a fleet's is planned or said there. */
export const NOBODY: Identity = {
  fleet: '',
  device: '',
  api: '',
  mqtt: { url: '', username: '' },
};

/** What `POST /api/1/enroll` answers with. */
export const EnrollAnswer = Type.Intersect([
  Identity,
  Type.Object({
    root: Type.Record(Type.String(), Type.Unknown()),
    serverTimeMs: Type.Optional(Type.Number()),
  }),
]);
export type EnrollAnswer = Static<typeof EnrollAnswer>;

export const isIdentity = (value: unknown): value is Identity =>
  Value.Check(Identity, value) && isFleet(value.fleet) && isId(value.device);

export const isEnrollAnswer = (value: unknown): value is EnrollAnswer =>
  Value.Check(EnrollAnswer, value) && isIdentity(value);
