import { activations } from './activations.ts';
import { classMix } from './class-mix.ts';
import { confidence } from './confidence.ts';
import { errors } from './errors.ts';
import {
  type Evidence,
  GATE_NAMES,
  type Gate,
  type GateName,
  type GateSettings,
  type Verdict,
} from './types.ts';

/** Every gate; a new one is a row here and a name in `GATE_NAMES`. */
export const GATES: Readonly<Record<GateName, Gate>> = {
  activations,
  errors,
  confidence,
  'class-mix': classMix,
};

/** What each gate that is switched on makes of the evidence, in the order of `GATE_NAMES`. */
export function judgeGates(evidence: Evidence, settings: GateSettings): Verdict[] {
  return GATE_NAMES.filter((gate) => !settings.disabled.includes(gate)).map((gate) =>
    judgeGate(gate, evidence, settings),
  );
}

/**
 * Over all devices, and where that stays open, over the devices of each variant: what is bad on a
 * rare target drowns in the mean of the fleet. The looks share the error rate (Bonferroni).
 */
function judgeGate(gate: GateName, evidence: Evidence, settings: GateSettings): Verdict {
  const variants = new Set(evidence.pairs.map(({ variant }) => variant));
  const looks = variants.size > 1 ? variants.size + 1 : 1;
  const shared = { ...settings, alpha: settings.alpha / looks };
  const all = { gate, ...GATES[gate].judge(evidence, shared) };
  if (all.state !== 'open' || looks === 1) return all;
  for (const variant of variants) {
    const pairs = evidence.pairs.filter((pair) => pair.variant === variant);
    const verdict = GATES[gate].judge({ ...evidence, pairs }, shared);
    if (verdict.state !== 'closed') continue;
    return { gate, ...verdict, sentence: `on ${variant}: ${verdict.sentence}` };
  }
  return all;
}
