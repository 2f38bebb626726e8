import { accuracy } from './accuracy.ts';
import { activations } from './activations.ts';
import { classMix } from './class-mix.ts';
import { confidence } from './confidence.ts';
import { crashes } from './crashes.ts';
import { disagreement } from './disagreement.ts';
import { drift } from './drift.ts';
import { errors } from './errors.ts';
import { latency } from './latency.ts';
import { memory } from './memory.ts';
import { selfTest } from './self-test.ts';
import { writeOdds, writeRate } from './text.ts';
import {
  type Evidence,
  type Finding,
  GATE_NAMES,
  type Gate,
  type GateName,
  type GateSettings,
  isSuspicious,
  type Nothing,
  type Verdict,
} from './types.ts';

/** Every gate; a new one is a row here and a name in `GATE_NAMES`. */
export const GATES: Readonly<Record<GateName, Gate>> = {
  activations,
  crashes,
  'self-test': selfTest,
  errors,
  latency,
  memory,
  confidence,
  'class-mix': classMix,
  drift,
  accuracy,
  disagreement,
};

/**
 * What each gate that is switched on makes of the evidence, in the order of `GATE_NAMES`. They
 * share `alpha` by their weights, so that all together close by mistake with that probability at most.
 */
export function judgeGates(evidence: Evidence, settings: GateSettings): Verdict[] {
  const gates = GATE_NAMES.filter((gate) => !settings.disabled.includes(gate));
  const whole = gates.reduce((sum, gate) => sum + weightOf(gate), 0);
  return gates.map((gate) =>
    judgeGate(gate, evidence, settings, (settings.alpha * weightOf(gate)) / whole),
  );
}

const weightOf = (gate: GateName): number => GATES[gate].weight ?? 1;

/**
 * Over all devices, and over the devices of each variant: what is bad on a rare target drowns in the
 * mean of the fleet. All of them together have one half of the gate's error rate, the variants share
 * the other; where there is but one variant, it has all.
 */
function judgeGate(
  gate: GateName,
  evidence: Evidence,
  settings: GateSettings,
  alpha: number,
): Verdict {
  const { variants } = evidence;
  const several = variants.length > 1;
  const found = GATES[gate].find(evidence, settings);
  const all = { gate, ...verdictOf(found, { alpha, parts: several ? 2 : 1 }) };
  if (all.state === 'closed' || all.state === 'not-applicable' || !several) return all;
  const own = variants.map((variant) => {
    const part = GATES[gate].find(restricted(evidence, variant), settings);
    // that one of three devices failed is no fact about a membership, only evidence
    const finding = 'log' in part ? { ...part, certain: false } : part;
    const verdict = verdictOf(finding, { alpha, parts: 2 * variants.length });
    return { gate, ...verdict, sentence: `on ${variant}: ${verdict.sentence}` };
  });
  const closed = own.find(({ state }) => state === 'closed');
  const suspicious = own.find(isSuspicious);
  return closed ?? (all.state === 'open' ? (suspicious ?? all) : all);
}

function restricted(evidence: Evidence, variant: string): Evidence {
  const of = <T extends { readonly variant: string }>(list: readonly T[]) =>
    list.filter((one) => one.variant === variant);
  const { activations, crashes, drift, 'self-test': selfTests } = evidence.tallies;
  return {
    ...evidence,
    tallies: {
      activations: of(activations),
      crashes: of(crashes),
      'self-test': of(selfTests),
      drift: of(drift),
    },
    pairs: of(evidence.pairs),
  };
}

/** Odds from which evidence is suspicious: below, a canary of one device often has some. */
const SUSPICIOUS = 3;

/** @param share error rate of the gate, and into how many parts it is divided */
function verdictOf(
  found: Finding | Nothing,
  share: { readonly alpha: number; readonly parts: number },
): Omit<Verdict, 'gate'> {
  if (!('log' in found)) return found;
  const { log, certain = false, seen, limit, numbers } = found;
  const alpha = share.alpha / share.parts;
  const needed = -Math.log(alpha);
  const suspicious = log >= Math.log(SUSPICIOUS * share.parts);
  const state = certain || log >= needed ? 'closed' : suspicious ? 'waiting' : 'open';
  const how = [limit];
  if (!certain) how.push(`error rate ${writeRate(alpha)}`);
  if (state === 'waiting') how.push(`evidence ${writeOdds(log)} of ${writeOdds(needed)}`);
  return {
    state,
    sentence: `${seen} (${how.join(', ')}): ${state}`,
    numbers: { ...numbers, alpha, ...(state === 'waiting' ? { odds: Math.exp(log) } : {}) },
  };
}
