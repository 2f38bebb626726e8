import type { QdqForm } from '@flotilla/targets';
import type { Ranges } from '../quantize/plan-context.ts';
import type { CalibrationMethod } from './methods.ts';

/**
 * What one pass of samples through a model told of its values, in constant memory; any range can be
 * read from it without running the samples again.
 */
export interface ActivationStatistics {
  readonly samples: number;
  /** The methods that were observed: asking for another throws `RangeError`. */
  readonly methods: readonly CalibrationMethod[];
  /** Range of each value by name; for `entropy` and `mse` it depends on the integers it is for. */
  ranges(
    method: CalibrationMethod,
    form: Pick<QdqForm, 'activation' | 'symmetricActivations'>,
  ): Ranges;
}
