/**
 * Threads that wait for work spin for as long as it takes to get from one operator to the next, and
 * no longer: on a busy machine they would starve each other.
 */
export const SPINNING = {
  intra_op: { allow_spinning: '1', spin_duration_us: '20' },
  inter_op: { allow_spinning: '0' },
} as const;

/** The same as entries of a session's configuration (onnxruntime_session_options_config_keys.h). */
export const SPINNING_ENTRIES = Object.entries(SPINNING).flatMap(([pool, settings]) =>
  Object.entries(settings).map(([name, value]) => [`session.${pool}.${name}`, value] as const),
);
