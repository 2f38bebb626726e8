import { judge } from '@flotilla/model';
import { MAX_DROP } from '../../models/zoo/subject.ts';
import type { Entry, SubjectResult } from './bench-subject.ts';
import type { ManySamples } from './many-samples.ts';
import type { Tool } from './settings.ts';

/** A figure that is to be reached, and whether it was. */
export interface Figure {
  readonly reached: boolean;
  readonly text: string;
}

/** Least agreement of static int8 with fp32, by model. */
const AGREEMENT: Readonly<Record<string, number>> = {
  squeezenet: 0.95,
  kws01: 0.985,
  mobilenet: 0.92,
};
/** Against the peer: divergence, latency, time, and memory with and without histograms. */
const KL = 1.05;
const LATENCY = 1.03;
const TIME = 0.5;
const MEMORY = { 'min-max': 1, percentile: 0.3, entropy: 0.3 } as const;
const MANY_SAMPLES = 1.1;
/** The model that time, memory and the ratio to fp32 are measured on. */
const YARDSTICK = 'squeezenet';
const OF_FP32 = 0.55;
/** Two measurements of one file differ by as much. */
const NOISE = 1.03;
const SIGNIFICANT = 0.05;
/** Divergences below this are rounding. */
const NO_DIVERGENCE = 1e-6;

/** Every figure that a result can be held to. */
export function figuresOf(result: SubjectResult, many: readonly ManySamples[]): Figure[] {
  const { subject, entries } = result;
  const own = static8(entries);
  const auto = find(entries, 'flotilla', 'auto');
  const peers = entries.filter(({ row }) => row.tool === 'onnxruntime');
  const closest = best(fairPeers(peers), ({ row }) => row.kl ?? 1 - row.agreement);
  const fastest = fastestUsable(peers);
  const offered = own ?? auto;
  return [
    ...(own ? accuracyFigures(own) : []),
    ...pairedFigures(entries),
    ...(auto && closest ? [beside(auto, closest, 'best')] : []),
    ...(offered && fastest ? [latencyFigure(offered, fastest)] : []),
    ...(auto ? [neverSlower(auto)] : []),
    ...(own && subject === YARDSTICK ? [ofFp32(own)] : []),
    ...(subject === YARDSTICK ? [...costFigures(entries), ...manyFigures(entries, many)] : []),
  ];
}

/** One model of all must be clearly faster than the peer's. */
export function fasterSomewhere(results: readonly SubjectResult[]): Figure[] {
  const ratios = results.flatMap(({ subject, entries }) => {
    const own = static8(entries) ?? find(entries, 'flotilla', 'auto');
    const peers = entries.filter(({ row }) => row.tool === 'onnxruntime');
    const fastest = fastestUsable(peers);
    if (own === undefined || fastest === undefined) return [];
    return [{ subject, ratio: own.row.latencyMs.int8 / fastest.row.latencyMs.int8 }];
  });
  const [least] = ratios.toSorted((a, b) => a.ratio - b.ratio);
  if (least === undefined) return [];
  const { subject, ratio } = least;
  const text = `latency of int8 below 0.9 × the peer's best on one model: ${subject} ${ratio.toFixed(3)}`;
  return [{ reached: ratio < 0.9, text }];
}

/** Static int8 with settings of the tool's choice. */
function static8(entries: readonly Entry[]): Entry | undefined {
  return find(entries, 'flotilla', 'int8');
}

function find(entries: readonly Entry[], tool: Tool, settings: string): Entry | undefined {
  return entries.find(({ row }) => row.tool === tool && row.settings === settings);
}

function best(entries: readonly Entry[], cost: (entry: Entry) => number): Entry | undefined {
  return entries.toSorted((a, b) => cost(a) - cost(b))[0];
}

/** A model that is wrong is not the peer's best, however fast. */
function fastestUsable(peers: readonly Entry[]): Entry | undefined {
  const usable = peers.filter(({ quality }) => judge(quality, MAX_DROP).passed);
  return best(usable, ({ row }) => row.latencyMs.int8);
}

/**
 * Ranges found at run time bring a model near fp32 and make its convolutions slower than fp32: only
 * what is worth handing over is compared with.
 */
function fairPeers(peers: readonly Entry[]): readonly Entry[] {
  const fair = peers.filter(({ row }) => row.latencyMs.int8 <= NOISE * row.latencyMs.fp32);
  return fair.length > 0 ? fair : peers;
}

function accuracyFigures({ row, quality }: Entry): Figure[] {
  const { model, agreement, metric } = row;
  const least = AGREEMENT[model];
  const { passed, judged } = judge(quality, MAX_DROP);
  const budget = { reached: passed, text: `${model}: static int8 ${judged}` };
  const text = `${model}: static int8 agrees with fp32 on ${percent(agreement)}, at least ${percent(least ?? 0)}`;
  const agreeing = { reached: agreement >= (least ?? 0), text };
  return [...(metric === 'top1' ? [budget] : []), ...(least === undefined ? [] : [agreeing])];
}

/** The same settings on both sides. */
function pairedFigures(entries: readonly Entry[]): Figure[] {
  return entries
    .filter(({ row }) => row.tool === 'flotilla')
    .flatMap((own) => {
      const peer = find(entries, 'onnxruntime', own.row.settings);
      return peer === undefined ? [] : [beside(own, peer, 'same settings')];
    });
}

function beside(own: Entry, peer: Entry, which: string): Figure {
  const { model, settings, kl } = own.row;
  const { lost, won, pValue } = own.against(peer);
  const worse = lost > won && pValue < SIGNIFICANT;
  const ratio = (kl ?? 0) / Math.max(peer.row.kl ?? 0, NO_DIVERGENCE);
  const far = kl !== null && kl > NO_DIVERGENCE && ratio > KL;
  const divergence = kl === null ? '' : `KL ${ratio.toFixed(2)} × the peer's, `;
  const text = `${model}, ${settings} beside the peer's ${peer.row.settings} (${which}): ${divergence}${lost} lost, ${won} won, p = ${pValue.toFixed(2)}`;
  return { reached: !worse && !far, text };
}

function latencyFigure(own: Entry, peer: Entry): Figure {
  const ratio = own.row.latencyMs.int8 / peer.row.latencyMs.int8;
  const text = `${own.row.model}: latency of int8 ${ratio.toFixed(3)} × the peer's best (${peer.row.settings}), at most ${LATENCY}`;
  return { reached: ratio <= LATENCY, text };
}

function neverSlower({ row, made }: Entry): Figure {
  const ratio = row.latencyMs.int8 / row.latencyMs.fp32;
  const text = `${row.model}: auto hands over ${made.chosen ?? 'a variant'} at ${ratio.toFixed(3)} × fp32`;
  return { reached: ratio <= NOISE, text };
}

function ofFp32({ row }: Entry): Figure {
  const ratio = row.latencyMs.int8 / row.latencyMs.fp32;
  const text = `${row.model}: int8 at ${ratio.toFixed(3)} × fp32, at most ${OF_FP32} with VNNI`;
  return { reached: ratio <= OF_FP32, text };
}

function costFigures(entries: readonly Entry[]): Figure[] {
  return Object.entries(MEMORY).flatMap(([method, most]) => {
    const own = find(entries, 'flotilla', method)?.row;
    const peer = find(entries, 'onnxruntime', method)?.row;
    if (own === undefined || peer === undefined) return [];
    const time = own.seconds / peer.seconds;
    const memory = own.peakMb / peer.peakMb;
    return [
      {
        reached: time <= TIME,
        text: `${method}: time ${time.toFixed(2)} × the peer's, at most ${TIME}`,
      },
      {
        reached: memory <= most,
        text: `${method}: peak memory ${memory.toFixed(2)} × the peer's, at most ${most}`,
      },
    ];
  });
}

function manyFigures(entries: readonly Entry[], many: readonly ManySamples[]): Figure[] {
  return many.flatMap(({ method, samples, peakMb }) => {
    const few = find(entries, 'flotilla', method)?.row.peakMb;
    if (few === undefined) return [];
    const ratio = peakMb / few;
    const text = `${method}: peak memory with ${samples} samples ${ratio.toFixed(2)} × that with 100, at most ${MANY_SAMPLES}`;
    return [{ reached: ratio <= MANY_SAMPLES, text }];
  });
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
