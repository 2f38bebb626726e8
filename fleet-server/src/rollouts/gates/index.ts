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
  return GATE_NAMES.filter((gate) => !settings.disabled.includes(gate)).map((gate) => ({
    gate,
    ...GATES[gate].judge(evidence, settings),
  }));
}
