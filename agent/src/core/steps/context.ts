import type { LoadOptions, Runtime } from '@flotilla/model';
import type { Draft, Outcome, Verifier } from '@flotilla/protocol';
import type { BlobStore } from '../blobs.ts';
import type { DownloadOptions } from '../fetch-blob.ts';
import type { Identity } from '../identity.ts';
import type { Journal } from '../journal.ts';
import type {
  Clock,
  Device,
  Fetcher,
  Random,
  RuntimeCache,
  SelfTester,
  Sha256,
  Storage,
  Unpack,
} from '../ports.ts';
import type { SelfUpdater } from '../self-update/self-updater.ts';
import type { Footprint } from '../serving/footprint.ts';
import type { GuardedLoad } from '../serving/load-guard.ts';
import type { Pulse } from '../serving/pulse.ts';
import type { Serving } from '../serving/serving.ts';
import type { Shadows } from '../shadow/shadows.ts';
import {
  type Attempt,
  findAttempt,
  type Installed,
  type JournalState,
  type WantedDeployment,
} from '../state.ts';
import type { Bandwidth } from '../transfer/bandwidth.ts';
import type { OwnLimits } from './limits.ts';
import type { DiskQuota } from './room.ts';
import type { WatchThresholds } from './watch-judges.ts';

/** Figures that a device's owner may set. */
export interface StepSettings {
  readonly download: DownloadOptions;
  readonly selfTestTimeoutMs: number;
  /** Where the server names none. */
  readonly limits: OwnLimits;
  readonly loadOptions: LoadOptions;
  /** Least time between two reports of a download's progress. */
  readonly progressEveryMs: number;
  /** Longest time for loading a model. */
  readonly loadTimeoutMs: number;
  /** Where the server names none. */
  readonly watch: WatchThresholds;
  readonly watchPollMs: number;
  readonly diskQuota: DiskQuota;
  /** How often a download that spares a metered link looks at the link. */
  readonly linkLookMs: number;
  /** Cap over all downloads, bytes/s, whatever the server says; 0 is none. */
  readonly bandwidth: number;
  /** Time for a new release of the agent to come up in, and then to reach its server in. */
  readonly update: { readonly upMs: number; readonly contactMs: number };
}

/** All that the executors of steps work with. */
export interface StepContext {
  readonly identity: Identity;
  readonly storage: Storage;
  readonly clock: Clock;
  readonly random: Random;
  readonly fetcher: Fetcher;
  readonly verifier: Verifier;
  readonly device: Device;
  readonly selfTester: SelfTester;
  readonly updater: SelfUpdater;
  readonly journal: Journal;
  readonly blobs: BlobStore;
  readonly serving: Serving;
  readonly pulse: Pulse;
  readonly footprint: Footprint;
  readonly settings: StepSettings;
  readonly runtimes: readonly Runtime[];
  readonly runtimeCache: RuntimeCache;
  /** Of all downloads together. */
  readonly bandwidth: Bandwidth;
  readonly unpack?: Unpack;
  sha256(): Sha256;
  /** Bundles that must stay on disk, by manifest digest. */
  needed(): ReadonlySet<string>;
  /** Whether the device is connected to its server. */
  online(): boolean;
  authorize(): Promise<Readonly<Record<string, string>>>;
  readonly load: GuardedLoad;
  readonly shadows: Shadows;
  /** As `load`, of what answers nobody. */
  readonly loadShadow: GuardedLoad;
  /** Tells the server how far an attempt is. */
  progress(outcome: Draft<Outcome>): Promise<void>;
}

export const installedOf = (deployment: WantedDeployment): Installed => ({
  deployment: deployment.id,
  attempt: deployment.attempt,
  digest: deployment.digest,
  model: deployment.model,
  version: deployment.version,
  precision: deployment.precision,
});

/** The record of a deployment's attempt in a draft, begun where there is none. */
export function attemptIn(draft: JournalState, deployment: WantedDeployment): Attempt {
  const found = findAttempt(draft, deployment);
  if (found !== undefined) return found;
  const begun: Attempt = { deployment, stage: 'accepted', reported: false };
  draft.attempts.push(begun);
  return begun;
}
