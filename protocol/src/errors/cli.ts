import { refused, transient, usage } from './row.ts';

/** The command line. */
export const CLI_ERRORS = {
  'api.refused': refused(
    502,
    (c: {
      server: string;
      status: number;
      detail: string;
      selector?: string;
      at?: number;
      code?: string | undefined;
      field?: string | undefined;
    }) => `${c.server} refused (${c.status}): ${c.detail}`,
  ),
  'api.unreachable': transient(
    503,
    (c: { server: string; reason: string }) =>
      `no fleet server answers at ${c.server} (${c.reason}): start one with flotilla serve, or name another with --server`,
  ),
  'api.no-token': usage(
    (c: { server: string }) =>
      `${c.server} wants a token: pass --token or set FLOTILLA_TOKEN to the one that flotilla serve printed at its first start`,
  ),
  'cli.usage': usage((c: { reason: string }) => `${c.reason}; see --help`),
  'demo.check-failed': refused(
    500,
    (c: { check: string }) => `the demo did not hold: ${c.check}; run it again and see its logs`,
  ),
  'demo.process-ended': refused(
    500,
    (c: { name: string; code: number; logFile: string }) =>
      `the ${c.name} process of the demo ended with code ${c.code}: see ${c.logFile}`,
  ),
  'demo.step-failed': refused(
    500,
    (c: { step: string; reason: string; logs: string }) =>
      `the demo's step "${c.step}" did not hold: ${c.reason}; logs are in ${c.logs}`,
  ),
  'file.changed': transient(
    409,
    (c: { file: string }) =>
      `${c.file} changed while it was sent: send it again when it is at rest`,
  ),
  'file.missing': usage(
    (c: { what: string; file: string }) => `${c.what} ${c.file} does not exist: check the path`,
  ),
  'optimize.nothing-written': refused(
    422,
    (c: { model: string; reason: string }) => `no variant of ${c.model} was written: ${c.reason}`,
  ),
  'push.build-failed': refused(
    422,
    (c: { model: string; reason: string }) => `the server could not build ${c.model}: ${c.reason}`,
  ),
  'push.not-awaited': refused(
    499,
    (c: { model: string }) =>
      `the build of ${c.model} was not waited for: it goes on at the server, see flotilla model list`,
  ),
  'rollout.undone': refused(
    422,
    (c: { rollout: string; state: string; sentence: string }) =>
      `rollout ${c.rollout} ended ${c.state}${c.sentence === '' ? '' : `: ${c.sentence}`}; see flotilla rollout show ${c.rollout}`,
  ),
  'simulate.data': usage(
    (c: { folder: string; reason: string }) =>
      `the simulation in ${c.folder} cannot be used: ${c.reason}; name another folder with --data`,
  ),
  'simulate.faults': usage(
    (c: { where: string; reason: string }) =>
      `--faults ${JSON.stringify(c.where)}: ${c.reason}; see flotilla simulate --help`,
  ),
} as const;
