import { buildVariants } from './builds/build-variants.ts';
import { type Builder, createBuilder } from './builds/builder.ts';
import type { BuildRow } from './builds/store.ts';
import type { ServerContext } from './context.ts';
import { createDeltas, type Deltas } from './deltas/deltas.ts';
import { publishDesired } from './devices/desired.ts';
import type { IngestHandlers } from './devices/ingest-port.ts';
import { createWantedBlobs, type WantedBlobs } from './devices/wanted-blobs.ts';
import { createProfiles } from './drift/profiles.ts';
import { createDriftTicker } from './drift/ticker.ts';
import { ingestMeasurement } from './lab/outcome.ts';
import { createLabTicker, type LabTicker } from './lab/ticker.ts';
import { type Push, pushModel } from './registry/push.ts';
import { signBuild } from './registry/sign.ts';
import { ingestOutcome } from './rollouts/outcome.ts';
import { ingestRunning } from './rollouts/running.ts';
import { createRolloutTicker, type RolloutTicker } from './rollouts/ticker.ts';
import { ingestTelemetry } from './telemetry/ingest.ts';
import { addToRollups } from './telemetry/rollups.ts';

/**
 * The way of a model through the server.
 *
 * There: `pushModel` (`registerVersion`) → `buildVariants` → `signBuild` → `createRollout` →
 * `planWave` → `publishDesired`. Back: `ingestOutcome`, `ingestTelemetry` → drift → `judgeGates` →
 * `planWave`. Nothing between two hops is kept in memory only: after a crash each goes on from the
 * database.
 */
export interface App {
  /** Receives a version, builds its variants, signs them. */
  pushModel(push: Push): Promise<BuildRow>;
  readonly builder: Builder;
  readonly deltas: Deltas;
  readonly wantedBlobs: WantedBlobs;
  /** Plans waves of rollouts and publishes what each device shall run. */
  readonly rollouts: RolloutTicker;
  /** Has variants measured on the devices of a lab. */
  readonly lab: LabTicker;
  /** What devices report, into rollouts and telemetry. */
  readonly handlers: IngestHandlers;
  close(): Promise<void>;
}

export interface AppFolders {
  /** Of builds, and of deltas, under way. */
  readonly builds: string;
  readonly deltas: string;
}

export async function createApp(context: ServerContext, folders: AppFolders): Promise<App> {
  const { changes } = context;
  const builder = createBuilder(context, folders.builds, async (build, job) => {
    const built = await buildVariants(context, build, job);
    await signBuild(context, build, built);
  });
  const rollouts = createRolloutTicker({
    ...context,
    publishDesired: (fleet, device) => publishDesired(context, fleet, device),
    onChange: (fleet, rollout) => changes.emit({ topic: 'rollout', fleet, id: rollout }),
  });
  const lab = createLabTicker({
    ...context,
    publishDesired: (fleet, device) => publishDesired(context, fleet, device),
    onChange: (fleet, run) => changes.emit({ topic: 'lab', fleet, id: run }),
  });
  const drift = createDriftTicker({
    ...context,
    profileFor: createProfiles(context.artifacts),
    onChange: (fleet, alert) => changes.emit({ topic: 'drift', fleet, id: alert }),
  });
  const deltas = await createDeltas(context, folders.deltas);
  return {
    builder,
    deltas,
    wantedBlobs: createWantedBlobs(context),
    rollouts,
    lab,
    pushModel: (push) => pushModel(context, builder, push),
    handlers: {
      outcome: (trx, source, outcome, deployment) =>
        deployment.purpose === 'measure'
          ? ingestMeasurement(trx, source, deployment, () => void lab.tick())
          : ingestOutcome(trx, source, outcome, deployment, rollouts.touch),
      window: (trx, source, window) =>
        ingestTelemetry(trx, source, window, ({ fleet, device, slot, rollout }) => {
          changes.emit({ topic: 'telemetry', fleet, id: device, data: { slot } });
          if (rollout !== '') rollouts.touch(rollout);
        }),
      rollUp: (trx, additions) => addToRollups(trx, context.dialect, additions),
      running: (trx, source, sync) => ingestRunning(trx, source, sync, rollouts.touch),
    },
    async close() {
      await deltas.close();
      await drift.stop();
      await lab.stop();
      await rollouts.stop();
      await builder.close();
    },
  };
}
