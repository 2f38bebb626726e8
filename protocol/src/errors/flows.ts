import { refused, transient, usage } from './row.ts';

/** Sources and sinks of an agent. */
export const FLOW_ERRORS = {
  'flow.check-failed': refused(
    500,
    (c: { checks: string }) =>
      `not well: ${c.checks}; do what stands beside "→", then look again with flotilla-agent flow check`,
  ),
  'flow.ffmpeg-missing': transient(
    503,
    (c: { reason: string }) =>
      `ffmpeg cannot be started (${c.reason}): install it, on Debian with apt-get install ffmpeg`,
  ),
  'flow.input-unclear': usage(
    (c: { slot: string; inputs: string }) =>
      `the model in slot ${c.slot} takes ${c.inputs}: name one of its inputs under input`,
  ),
  'flow.item-refused': refused(
    422,
    (c: { source: string; reason: string }) => `${c.source}: ${c.reason}`,
  ),
  'flow.sink-failed': transient(
    502,
    (c: { sink: string; reason: string }) => `${c.sink} did not take a result: ${c.reason}`,
  ),
  'flow.sink-refused': refused(
    422,
    (c: { sink: string; reason: string }) =>
      `${c.sink} will never take this result: ${c.reason}; check the sink in the flows file`,
  ),
  'flow.source-failed': transient(
    502,
    (c: { source: string; reason: string }) => `${c.source} gives nothing: ${c.reason}`,
  ),
  'flows.invalid': usage(
    (c: { file: string; where: string; reason: string }) => `${c.file}: ${c.where} ${c.reason}`,
  ),
  'flows.unreadable': usage(
    (c: { file: string; reason: string }) =>
      `the flows file ${c.file} cannot be read (${c.reason}): check --flows and the rights of this user`,
  ),
} as const;
