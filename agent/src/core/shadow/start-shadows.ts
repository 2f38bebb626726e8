import { asFlotillaError } from '@flotilla/protocol';
import type { Journal } from '../journal.ts';
import { MAX_SHADOW_STARTS } from '../plan-beside.ts';
import type { Logger } from '../ports.ts';
import type { GuardedLoad } from '../serving/load-guard.ts';
import { findAttempt, isActivated, type JournalState, pairOf, type ShadowState } from '../state.ts';
import { faultShadow, type Shadows } from './shadows.ts';

interface StartPorts {
  readonly journal: Journal;
  readonly shadows: Shadows;
  readonly logger: Logger;
  readonly loadShadow: GuardedLoad;
}

/**
 * Loads the shadows that the journal names, one after the other: what serves is up by then, and
 * nobody waits for them. One that took the agent down too often, or does not load, is ended by a step.
 */
export async function startShadows(ports: StartPorts, signal: AbortSignal): Promise<void> {
  const { journal, shadows, logger, loadShadow } = ports;
  for (const [slot, shadow] of Object.entries(journal.state.shadows ?? {})) {
    if (signal.aborted || !isToRun(journal.state, shadow)) continue;
    try {
      await shadows.begin(slot, await loadShadow(slot, shadow.installed, { signal }));
    } catch (error) {
      if (signal.aborted) return;
      logger.error('shadow does not load', { slot, digest: shadow.installed.digest, error });
      const { code, message } = asFlotillaError(error);
      // with a full disk nothing is noted, and the agent goes on
      await faultShadow(journal, slot, { code, detail: message, step: 'activate' }).catch(
        (cause) => {
          logger.error('fault not recorded', { slot, error: cause });
        },
      );
    }
  }
}

/** One that was being loaded for the first time is loaded by its step. */
function isToRun(state: JournalState, { installed, starts, fault }: ShadowState): boolean {
  const attempt = findAttempt(state, pairOf(installed));
  const loaded = attempt === undefined || isActivated(attempt);
  return loaded && fault === undefined && starts <= MAX_SHADOW_STARTS;
}
