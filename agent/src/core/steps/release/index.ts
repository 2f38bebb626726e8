import { download } from '../download.ts';
import type { Executors } from '../executors.ts';
import { collect } from '../finish.ts';
import { wait } from '../wait.ts';
import { activateRelease } from './activate.ts';
import { commitRelease, endRelease, removeRelease } from './finish.ts';
import { needLauncher } from './release.ts';
import { selfTestRelease } from './self-test.ts';
import { verifyRelease } from './verify.ts';
import { watchRelease } from './watch.ts';

/** The steps of a release of the agent: those of a model, with the agent itself in its place. */
export const RELEASE_EXECUTORS: Executors = {
  wait,
  async download(context, step, signal) {
    needLauncher(context);
    await download(context, step, signal);
  },
  verify: verifyRelease,
  selfTest: selfTestRelease,
  activate: activateRelease,
  watch: watchRelease,
  commit: commitRelease,
  rollBack: endRelease('RESULT_ROLLED_BACK'),
  fail: endRelease('RESULT_FAILED'),
  remove: removeRelease,
  restore: () => Promise.reject(new Error('nobody loads a release by hand')),
  endShadow: () => Promise.reject(new Error('nothing runs beside the agent')),
  collect,
};
