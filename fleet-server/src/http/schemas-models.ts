import { Type } from 'typebox';
import { Free, Id, Millis } from './schemas.ts';

export const Model = Type.Object({
  model: Type.String(),
  lastVersion: Type.Integer(),
  createdMs: Millis,
});

export const Version = Type.Object({
  model: Type.String(),
  version: Type.Integer(),
  status: Type.String({ description: 'building, ready or failed' }),
  sourceDigest: Type.String(),
  createdBy: Type.String(),
  createdMs: Millis,
});

export const Build = Type.Object({
  build: Id,
  status: Type.String({ description: 'queued, running, succeeded or failed' }),
  progress: Free,
  result: Free,
  errorCode: Type.String(),
  error: Type.String({ description: 'one line; empty unless failed' }),
  createdMs: Millis,
  finishedMs: Type.Integer(),
});

export const Variant = Type.Object({
  target: Type.String(),
  precision: Type.String(),
  digest: Type.String(),
  bytes: Type.Integer(),
  memoryBytes: Type.Integer(),
  opset: Type.Integer(),
  withinBudget: Type.Boolean(),
  report: Free,
});

export const VersionDetail = Type.Object({
  ...Version.properties,
  build: Type.Optional(Build),
  variants: Type.Array(Variant),
});

export const Pushed = Type.Object({ model: Type.String(), version: Type.Integer(), build: Id });

export const PushQuery = Type.Object({
  targets: Type.Optional(Type.String({ maxLength: 500, description: 'comma-separated' })),
  precisions: Type.Optional(
    Type.String({ maxLength: 200, description: 'comma-separated, or auto', default: 'auto' }),
  ),
  maxDrop: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
});
