import type { PairedQuality, Session } from '@flotilla/model';
import { type Answers, loadFile, openJudge } from '../../models/zoo/judge.ts';
import { layOut } from '../../models/zoo/lay-out.ts';
import type { Limits, Subject } from '../../models/zoo/subject.ts';
import { interleaved } from './latency.ts';
import { makeModel } from './make.ts';
import type { Ground, Made, Row } from './row.ts';
import { settingName, settingsOf, type Tool } from './settings.ts';

export interface BenchOptions {
  readonly models: string;
  readonly quick: boolean;
  readonly limits: Limits;
  /** Undefined where there is no Python: the peers are left out. */
  readonly python: string | undefined;
  /** Folder for what is made. */
  readonly folder: string;
  readonly onProgress: (text: string) => void;
}

/** A row, with what is needed to compare it with others. */
export interface Entry {
  readonly row: Row;
  readonly made: Made;
  /** Against fp32. */
  readonly quality: PairedQuality;
  /** This model against another of the same subject, whose right answers it may lose. */
  against(other: Entry): PairedQuality;
  readonly answers: Answers;
}

export interface SubjectResult {
  readonly subject: string;
  readonly entries: readonly Entry[];
  /** What could not be made or run, with the reason. */
  readonly skipped: readonly string[];
  readonly ground: Ground;
}

/** Has both tools make every model of a subject, judges them on the same samples, and times all in turns. */
export async function benchSubject(
  subject: Subject,
  options: BenchOptions,
): Promise<SubjectResult> {
  const { models, limits, folder, onProgress } = options;
  const { name } = subject;
  onProgress(`${name}: preparing samples`);
  const ground = { ...(await layOut(subject, models, folder, limits)), name, folder };
  const skipped: string[] = [];
  const made = await makeAll(ground, options, skipped);
  onProgress(`${name}: judging ${made.length} models`);
  const fp32 = await loadFile(ground.modelFile);
  const sessions: Session[] = [fp32];
  try {
    const loaded: Made[] = [];
    for (const each of made) {
      const session = await loadFile(each.file).catch((error: unknown) => {
        skipped.push(`${name}, ${each.tool} ${each.settings}: ${reasonOf(error)}`);
      });
      if (!session) continue;
      sessions.push(session);
      loaded.push(each);
    }
    const entries = await judgeAll(subject, ground, sessions, loaded);
    return { subject: name, entries, skipped, ground };
  } finally {
    for (const session of sessions) await session.dispose();
  }
}

async function makeAll(
  ground: Ground,
  { quick, python, onProgress }: BenchOptions,
  skipped: string[],
): Promise<Made[]> {
  const tools: readonly Tool[] = python === undefined ? ['flotilla'] : ['flotilla', 'onnxruntime'];
  const made: Made[] = [];
  for (const tool of tools) {
    for (const setting of settingsOf(tool, quick)) {
      const what = `${ground.name}, ${tool} ${settingName(setting)}`;
      onProgress(what);
      try {
        made.push(await makeModel(tool, setting, ground, python ?? ''));
      } catch (error) {
        skipped.push(`${what}: ${reasonOf(error)}`);
      }
    }
  }
  return made;
}

async function judgeAll(
  { name, spec }: Subject,
  { evaluation }: Ground,
  [fp32, ...others]: readonly Session[],
  made: readonly Made[],
): Promise<Entry[]> {
  const judge = openJudge(spec, fp32!, evaluation);
  const reference = await judge.answers(fp32!);
  const feeds = evaluation.map(({ tensors }) => tensors);
  const [whole = Number.NaN, ...times] = await interleaved([fp32!, ...others], feeds);
  const entries: Entry[] = [];
  for (const [i, each] of made.entries()) {
    const answers = await judge.answers(others[i]!);
    const quality = judge.compare(reference, answers);
    const latencyMs = { fp32: whole, int8: times[i] ?? Number.NaN };
    const kl = judge.classifies ? quality.kl : null;
    const row = rowOf(name, each, { ...quality, kl }, latencyMs);
    const against = (other: Entry) => judge.beside(reference, other.answers, answers);
    entries.push({ row, made: each, quality, answers, against });
  }
  return entries;
}

function rowOf(
  model: string,
  { tool, settings, seconds, peakMb }: Made,
  quality: Omit<PairedQuality, 'kl'> & { readonly kl: number | null },
  latencyMs: Row['latencyMs'],
): Row {
  const { metric, fp32, variant: int8, lost, won, agreement, kl } = quality;
  return {
    model,
    tool,
    settings,
    metric,
    fp32,
    int8,
    lost,
    won,
    agreement,
    kl,
    latencyMs,
    seconds,
    peakMb,
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
