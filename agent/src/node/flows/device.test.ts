import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  type RunningProcess,
  runAgentCommand,
  startAgentProcess,
} from '../../testing/agent-process.ts';
import { type LiveServer, startLiveServer } from '../../testing/live-server.ts';
import { grayImage, makePartsBundle } from '../../testing/parts-bundle.ts';
import type { FlowsStatus } from './flows.ts';

let server: LiveServer;
let data: string;
let agent: RunningProcess | undefined;

beforeEach(async () => {
  server = await startLiveServer();
  data = await mkdtemp(join(tmpdir(), 'flotilla-device-'));
  const { stderr } = await runAgentCommand(
    ...['enroll', '--server', server.api, '--token', 'clm_good', '--data', data],
  );
  expect(stderr).toBe('');
});
afterEach(async () => {
  await agent?.end('SIGKILL');
  await server.close();
  await rm(data, { recursive: true, force: true });
});

const status = async (address: string) =>
  (await (await fetch(`${address}/flotilla/1/status`)).json()) as FlowsStatus;

test('an agent runs the flows of its file, counts them for its fleet, and shows them', async () => {
  const bundle = await makePartsBundle(1);
  server.fleet.publishBundle(bundle);
  const active = server.fleet.deployment(bundle, { precision: 'fp32', watchMs: 1 });
  server.fleet.want({ slots: [{ name: 'parts', mode: 'MODE_PRESENT', active }] });
  const flows = join(data, 'flows.yaml');
  await writeFile(join(data, 'rows.csv'), 'a\n1\n2\n');
  await writeFile(
    flows,
    `flows:
  - name: inbox
    model: parts
    source: { folder: ., extensions: [png], after: keep, settle: 20ms }
    sinks: [{ jsonl: out.jsonl, flush: 10ms }]
  - { name: rows, model: parts, source: { csv: rows.csv }, sinks: [{ jsonl: rows.jsonl }] }
`,
  );
  await writeFile(join(data, 'part.png'), await grayImage(120));
  agent = await startAgentProcess(data, '--flows', flows, '--telemetry-window', '300');
  const { address } = agent;
  const slow = { timeout: 60_000, interval: 50 };
  await vi.waitFor(async () => {
    const [inbox, rows] = (await status(address)).flows;
    expect(inbox).toMatchObject({ inferred: 1, sinks: [{ sent: 1 }] });
    expect(rows).toMatchObject({ state: 'ended', items: 2, failed: 2 });
  }, slow);
  const { stdout } = await runAgentCommand('status', '--data', data);
  expect(stdout).toMatch(/^ {2}flow inbox: running, 1 items .*1 inferred/m);
  expect(stdout).toMatch(/^ {4}folder \. → parts$/m);
  expect(stdout).toMatch(/^ {4}→ jsonl out\.jsonl: 1 sent$/m);
  expect(stdout).toMatch(/^ {2}flow rows: ended, 2 items .*2 failed/m);
  const page = await (await fetch(`${address}/metrics`)).text();
  expect(page).toContain('flotilla_flow_inferred_total{flow="inbox"} 1\n');
  expect(page).toContain('flotilla_flow_failed_total{flow="rows"} 2\n');
  expect(page).toContain('flotilla_flow_state{flow="rows",state="ended"} 1\n');
  expect(page).toContain('flotilla_flow_sink_sent_total{flow="inbox",sink="jsonl out.jsonl"} 1\n');
  await vi.waitFor(() => {
    const inferences = server.windows().map((window) => Number(window.inferences ?? 0));
    expect(inferences.reduce((sum, n) => sum + n, 0)).toBe(1);
  }, slow);
  expect(await agent.end('SIGTERM')).toBe(0);
  const [line = ''] = (await readFile(join(data, 'out.jsonl'), 'utf8')).split('\n');
  expect(JSON.parse(line)).toMatchObject({ flow: 'inbox', source: 'part.png' });
});

test('a slip in the file costs the flows and not the agent', async () => {
  const flows = join(data, 'flows.yaml');
  await writeFile(flows, 'flows:\n  - name: a\n    modl: parts\n');
  agent = await startAgentProcess(data, '--flows', flows);
  const told = await status(agent.address);
  expect(told).toMatchObject({ online: expect.any(Boolean), flows: [] });
  expect(told.flowsError).toContain('flows.yaml: line 2: flows.0 has the unknown key "modl"');
  const { stdout } = await runAgentCommand('status', '--data', data);
  expect(stdout).toContain('  flows: none runs: ');
  expect(agent.output.stderr).toContain('no flow runs');
});
