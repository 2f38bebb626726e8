import { FlotillaError, isFlotillaError } from '@flotilla/protocol';
import { Type } from 'typebox';
import type { ServerContext } from '../../context.ts';
import { enrollDevice } from '../../devices/enroll.ts';
import type { Routes } from '../http.ts';
import { Free, Id, Label, Millis, Tags } from '../schemas.ts';
import { createThrottle } from '../throttle.ts';
import { reachableFrom } from '../urls.ts';

const EnrollBody = Type.Object({
  token: Type.String({ minLength: 1, maxLength: 200, description: 'secret of a claim token' }),
  publicKey: Type.Object({
    kty: Type.Literal('OKP'),
    crv: Type.Literal('Ed25519'),
    x: Type.String({ maxLength: 64, description: '32 bytes in base64url' }),
  }),
  name: Type.Optional(Label),
  tags: Type.Optional(Tags),
  capabilities: Type.Optional(Free),
});

const EnrollAnswer = Type.Object({
  fleet: Type.String(),
  device: Id,
  status: Type.String({ description: 'accepted, or pending until a person accepts it' }),
  api: Type.String({ description: 'URL of this API' }),
  mqtt: Type.Object({
    url: Type.String(),
    username: Type.String(),
    password: Type.Optional(Type.String({ description: 'absent: a JWT of the device' })),
  }),
  root: Free,
  serverTimeMs: Millis,
});

/** The one door of a device into a fleet. */
export const enrollRoutes =
  (context: ServerContext): Routes =>
  async (app) => {
    const throttle = createThrottle(context.now);
    app.post(
      '/api/1/enroll',
      {
        config: { access: 'public' },
        bodyLimit: 64 * 1024,
        schema: {
          summary: 'Takes a device into the fleet of its claim token',
          body: EnrollBody,
          response: { 201: EnrollAnswer },
        },
      },
      async (request, reply) => {
        const seconds = throttle.wait(request.ip);
        if (seconds > 0)
          throw new FlotillaError('auth.throttled', { address: request.ip, seconds });
        const enrolled = await enrollDevice(context, request.body).catch((error: unknown) => {
          if (isFlotillaError(error, 'enroll.token-unknown')) throttle.failed(request.ip);
          throw error;
        });
        const { fleet, device, status } = enrolled;
        const login = await context.broker.provision(fleet, device);
        const root = (await context.trust.roots(fleet)).at(-1);
        reply.code(201);
        return {
          fleet,
          device,
          status,
          api: reachableFrom(context.apiUrl(), request.host),
          mqtt: {
            url: reachableFrom(context.mqttUrl(), request.host),
            ...(login ?? { username: `${fleet}/${device}` }),
          },
          root: JSON.parse(new TextDecoder().decode(root)) as Record<string, unknown>,
          serverTimeMs: context.now(),
        };
      },
    );
  };
