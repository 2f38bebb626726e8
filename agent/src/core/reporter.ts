import type { Draft, Outcome } from '@flotilla/protocol';
import { createQueue } from './durable.ts';
import type { Journal } from './journal.ts';
import type { FleetClock } from './link/fleet-clock.ts';
import type { Outbox } from './outbox/outbox.ts';
import type { Step, StepKind } from './plan.ts';
import type { Logger } from './ports.ts';
import { outcomeOf, reportEndings } from './report.ts';
import { type Attempt, findAttempt } from './state.ts';

export interface Reporter {
  /** Says that a step begins. */
  begin(step: Step): Promise<void>;
  /** Says how far an attempt is. */
  progress(outcome: Draft<Outcome>): Promise<void>;
  /** Puts every ending that was not yet reported into the outbox. */
  endings(): Promise<void>;
  /** What was last said of an attempt under way. */
  latest(attempt: Attempt): Draft<Outcome>;
}

export interface ReporterPorts {
  readonly journal: Journal;
  readonly outbox: Outbox;
  readonly clock: FleetClock;
  readonly logger: Logger;
  /** There are new records. */
  stored(): void;
}

/** More deployments than are ever under way at once: two in each slot. */
const MOST_SAID = 128;

const IN_PROGRESS = 'RESULT_IN_PROGRESS' as const;

/** Steps whose begin the server is told. */
const TOLD: ReadonlySet<StepKind> = new Set([
  'download',
  'verify',
  'selfTest',
  'activate',
  'watch',
]);

/** Reports through the outbox. A report that cannot be stored must not stop what it is about. */
export function createReporter(ports: ReporterPorts): Reporter {
  const { journal, outbox, clock, logger, stored } = ports;
  const inOrder = createQueue();
  const said = new Map<string, Draft<Outcome>>();
  const failed = (error: unknown) => logger.error('report not stored', { error });

  async function progress(outcome: Draft<Outcome>): Promise<void> {
    const record = { at: clock.stamp(), outcome: { ...outcome, result: IN_PROGRESS } };
    remember(record.outcome);
    await outbox.append('report', record, clock.trustedNow()).then(stored, failed);
  }

  function remember(outcome: Draft<Outcome>): void {
    said.delete(outcome.deployment ?? '');
    said.set(outcome.deployment ?? '', outcome);
    const [oldest = ''] = said.keys();
    if (said.size > MOST_SAID) said.delete(oldest);
  }

  return {
    progress,
    async begin(step) {
      if (!('deployment' in step)) return;
      const { deployment, slot, kind } = step;
      logger.info(kind, { slot, model: deployment.model, version: deployment.version });
      if (!TOLD.has(kind) || deployment.local) return;
      const known = findAttempt(journal.state, deployment);
      const begun = outcomeOf(known ?? { deployment, stage: 'accepted', reported: false });
      await progress({ ...begun, step: kind });
    },
    latest(attempt) {
      const { id, attempt: number } = attempt.deployment;
      const last = said.get(id);
      const same = last?.attempt === number;
      return same && attempt.ending === undefined ? last : outcomeOf(attempt);
    },
    async endings() {
      await inOrder(() => reportEndings(journal, outbox, clock)).then(stored, failed);
    },
  };
}
