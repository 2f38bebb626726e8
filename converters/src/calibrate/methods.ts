/**
 * How samples become a range: all values; the mean of each sample's extremes; nearly all values; the
 * range whose quantized distribution diverges least (Migacz 2017); the range of least squared error.
 */
export const CALIBRATION_METHODS = ['min-max', 'average', 'percentile', 'entropy', 'mse'] as const;
export type CalibrationMethod = (typeof CALIBRATION_METHODS)[number];
