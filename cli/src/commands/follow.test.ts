import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { connect } from '../api.ts';
import { readSettings } from '../config.ts';
import type { Context } from '../context.ts';
import { run } from '../run.ts';
import { waitForBuild } from './model.ts';

const ID = '01m7xy2hxsnss48p1c7zwvw5qy';

let server: Server;
let url: string;
/** What the server answers, or with which status it refuses; the last again and again. */
let answers: unknown[];
let asked: string[];

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    const status = typeof answer === 'number' ? answer : 200;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
});

function context(interrupted = new AbortController().signal) {
  const printed: unknown[] = [];
  const context: Context = {
    settings: readSettings({ FLOTILLA_SERVER: url, FLOTILLA_TOKEN: 'flt_x' }),
    environment: {},
    say: () => undefined,
    json: (value) => void printed.push(value),
    progress: () => ({ update: () => undefined, clear: () => undefined }),
    live: () => undefined,
    columns: 80,
    interrupted,
  };
  return { context, printed };
}

const rollout = (state: string) => ({
  id: ID,
  model: 'parts',
  version: 3,
  kind: 'update',
  state,
  haltedBy: '',
  sentence: 'accuracy fell',
  wave: 0,
  waves: [],
  events: [],
  verdicts: [],
  strata: [],
  apart: {},
  waitsFor: { what: 'nothing', sentence: '', untilMs: 0 },
});

it('follows a rollout to its end and prints one JSON document', async () => {
  // the last answer is to the question for the whole of it
  answers = [rollout('running'), rollout('done'), { whole: true }];
  const { context: own, printed } = context();
  expect(await run(['rollout', 'watch', ID, '--json'], own)).toBe(0);
  expect(printed).toEqual([{ whole: true }]);
  expect(asked).toEqual([
    ...Array(2).fill(`/api/1/fleets/default/rollouts/${ID}/progress`),
    `/api/1/fleets/default/rollouts/${ID}`,
  ]);
});

it('asks on while the server begins anew, and gives up at once on one that it never reached', async () => {
  answers = [rollout('running'), 503, rollout('done'), { whole: true }];
  const { context: own, printed } = context();
  expect(await run(['rollout', 'watch', ID, '--json'], own)).toBe(0);
  expect(printed).toEqual([{ whole: true }]);
  answers = [503, rollout('done')];
  const refused = run(['rollout', 'watch', ID, '--json'], context().context);
  await expect(refused).rejects.toMatchObject({ code: 'api.refused' });
});

it('fails where the rollout that it followed was undone, and prints it all the same', async () => {
  answers = [rollout('halted'), rollout('rolled-back')];
  const { context: own, printed } = context();
  const watching = run(['rollout', 'watch', ID, '--json'], own);
  await expect(watching).rejects.toMatchObject({ code: 'rollout.undone', exitCode: 1 });
  expect(printed).toEqual([rollout('rolled-back')]);
});

it('asks for no other path than that of the id: what is none is refused', async () => {
  answers = [rollout('paused')];
  await run(['rollout', 'pause', ID], context().context);
  const other = run(['rollout', 'pause', '../devices/x'], context().context);
  await expect(other).rejects.toMatchObject({ code: 'cli.usage', exitCode: 2 });
  expect(asked).toEqual([`/api/1/fleets/default/rollouts/${ID}/pause`]);
});

it('stops waiting for a build when it is interrupted', async () => {
  answers = [{ model: 'parts', version: 3, status: 'building', variants: [] }];
  const interruption = new AbortController();
  const api = connect({ server: url, token: 'flt_x', fleet: 'default' });
  const waiting = waitForBuild(api, { model: 'parts', version: 3 }, interruption.signal, () =>
    interruption.abort(),
  );
  await expect(waiting).rejects.toMatchObject({ code: 'push.not-awaited' });
});
