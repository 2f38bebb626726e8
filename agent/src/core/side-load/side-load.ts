import {
  type BundleHead,
  FlotillaError,
  isName,
  newId,
  readBundleStream,
} from '@flotilla/protocol';
import { createQueue } from '../durable.ts';
import { findAttempt, type Hold, mutable, type WantedDeployment } from '../state.ts';
import type { StepContext } from '../steps/context.ts';
import { discardBundles, fullDisk, makeRoom } from '../steps/room.ts';
import { type Admission, admit } from './admit.ts';
import { readAnchors } from './anchors.ts';
import { beginHold, holdOf, raiseEpoch } from './holds.ts';
import { takeBlob } from './take-blob.ts';

export interface LoadRequest {
  /** The bundle file as it comes. */
  readonly source: AsyncIterable<Uint8Array>;
  /** Names the file in errors. */
  readonly where: string;
  /** Default: the name of the model. */
  readonly slot?: string;
  /** How long the model is watched before it counts as good; ms. */
  readonly watchMs: number;
}

/** A bundle that was taken in: its attempt has begun. */
export interface Loading {
  readonly deployment: string;
  readonly slot: string;
  readonly model: string;
  readonly version: number;
  readonly target: string;
  readonly precision: string;
  readonly digest: string;
  /** The fleet, or the key that vouches for the bundle. */
  readonly signedBy: string;
}

export interface SideLoad {
  /**
   * Takes a bundle in, whole and verified, and begins its attempt; one at a time. What runs in the
   * slot runs on until the new model is activated.
   *
   * @throws FlotillaError `trust.unknown-key`, `trust.rejected`, `bundle.invalid`,
   *   `bundle.digest-mismatch`, `download.disk-full`, `deployment.halted`, `name.invalid`, and what
   *   the source throws
   */
  load(request: LoadRequest): Promise<Loading>;
  /**
   * Ends what was loaded by hand in a slot: what the fleet wants there comes back.
   *
   * @throws FlotillaError `load.none`
   */
  unload(slot: string): Promise<void>;
}

/**
 * @param incoming digests of the bundles that are being taken in, kept here
 * @param changed there is something to plan
 */
export function createSideLoad(
  context: StepContext,
  incoming: Set<string>,
  changed: () => void,
): SideLoad {
  const { journal } = context;
  const inOrder = createQueue();

  async function load(request: LoadRequest): Promise<Loading> {
    let taken: Taken | undefined;
    try {
      const head = await readBundleStream(request.source, request.where, {
        async head(opened) {
          taken = await begin(context, request, opened, incoming);
        },
        blob: (blob, content) => takeBlob(context, blob, content, request.where),
      });
      // a reading that returns has handed over its head
      if (taken === undefined) throw new TypeError('a bundle without a head');
      return await accept(context, taken, head, request.watchMs);
    } catch (error) {
      if (taken === undefined) throw error;
      incoming.delete(taken.digest);
      throw await abandon(context, taken, error);
    } finally {
      if (taken !== undefined) incoming.delete(taken.digest);
      changed();
    }
  }

  return {
    load: (request) => inOrder(() => load(request)),
    async unload(slot) {
      if (holdOf(journal.state, slot) === undefined) {
        throw new FlotillaError('load.none', { slot: slot.slice(0, 80) });
      }
      await journal.update((draft) => {
        for (const hold of [draft.loading?.[slot], draft.holds?.[slot]]) {
          if (hold !== undefined) hold.unload = true;
        }
      });
      changed();
    },
  };
}

/** A bundle of which the head is in. */
interface Taken {
  readonly head: BundleHead;
  readonly digest: string;
  readonly slot: string;
  readonly admission: Admission;
  /** Whether the journal named it before. */
  readonly isKnown: boolean;
}

async function begin(
  context: StepContext,
  { slot: asked, where }: LoadRequest,
  head: BundleHead,
  incoming: Set<string>,
): Promise<Taken> {
  const { journal, storage } = context;
  const { digest, config, manifestBytes, configBytes, blobs } = head;
  const slot = asked ?? config.model;
  // the one name that an object has by itself
  if (!isName(slot) || slot === 'constructor') {
    throw new FlotillaError('name.invalid', { what: 'slot', name: slot.slice(0, 80) });
  }
  if (journal.state.halt.halted) throw new FlotillaError('deployment.halted', { slot });
  const admission = await admit(context, await readAnchors(storage), head, where);
  const taken = { head, digest, slot, admission, isKnown: digest in journal.state.bundles };
  incoming.add(digest);
  try {
    await makeRoom(context, digest, [{ digest, size: manifestBytes.length }, ...blobs]);
    await journal.update((draft) => {
      draft.bundles[digest] ??= 'partial';
    });
    await takeBlob(context, { digest }, [manifestBytes], where);
    const [first] = blobs;
    if (first !== undefined) await takeBlob(context, first, [configBytes], where);
    return taken;
  } catch (error) {
    incoming.delete(digest);
    throw await abandon(context, taken, error);
  }
}

/** Begins the attempt in one entry of the journal: from here on a restart goes on with it. */
async function accept(
  { journal, clock }: StepContext,
  { slot, digest, admission }: Taken,
  { config, manifestBytes }: BundleHead,
  watchMs: number,
): Promise<Loading> {
  const { model, version, target, precision } = config;
  const { signedBy, epoch, minimumEpoch, trusted, path } = admission;
  const running = holdOf(journal.state, slot);
  const isSame = running?.deployment.digest === digest && goesOn(journal.state, running);
  const deployment: WantedDeployment = {
    id: isSame ? running.deployment.id : newId(clock.now()),
    attempt: 1,
    slot,
    digest,
    url: '',
    size: manifestBytes.length,
    model,
    version,
    precision,
    notBeforeMs: 0,
    notAfterMs: 0,
    deadlineMs: 0,
    watchMs,
    targetPath: path,
    local: true,
  };
  await journal.update((draft) => {
    draft.bundles[digest] = 'complete';
    if (trusted === undefined) raiseEpoch(draft, model, minimumEpoch);
    else draft.trusted = mutable(trusted);
    if (isSame) return;
    delete draft.holds?.[slot]?.unload;
    draft.loading = { ...draft.loading, [slot]: beginHold(draft, deployment, epoch) };
    // the server did not ask for it, and is told by what is active
    draft.attempts.push({ deployment, stage: 'downloaded', reported: true });
  });
  return { deployment: deployment.id, slot, model, version, target, precision, digest, signedBy };
}

/** Whether the same bundle is on its way already, or runs. */
function goesOn(
  { attempts, slots }: StepContext['journal']['state'],
  { deployment, unload }: Hold,
): boolean {
  const attempt = findAttempt({ attempts }, deployment);
  if (attempt === undefined || unload) return false;
  const runs = slots[deployment.slot]?.active?.deployment === deployment.id;
  return attempt.ending === undefined || runs;
}

/** Leaves nothing of a bundle that could not be taken in whole, unless the server wants it too. */
async function abandon(context: StepContext, taken: Taken, error: unknown): Promise<unknown> {
  const { digest, isKnown, head } = taken;
  const why = await fullDisk(context, head.blobs, error);
  if (!isKnown && !context.needed().has(digest)) await discardBundles(context, [digest]);
  return why;
}
