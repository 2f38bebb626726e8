import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hasFfmpeg } from '../../../../test/support/ffmpeg.ts';
import { runAgentCommand } from '../../testing/agent-process.ts';
import { checkFlows } from './check-flows.ts';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-check-'));
  file = join(folder, 'flows.yaml');
  await mkdir(join(folder, 'inbox'));
  await writeFile(join(folder, 'secret'), 'sesame');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const GOOD = `flows:
  - name: inbox
    model: parts
    source: { after: delete, folder: inbox }
    sinks:
      - { webhook: "https://me:pass@example.com/parts?key=1", secretFile: secret }
      - { jsonl: new/out.jsonl }
`;
const BAD = `flows:
  - name: door
    model: parts
    source: { camera: /dev/video77 }
    sinks: [{ jsonl: secret/out.jsonl }, { mqtt: { url: "mqtt://b", topic: t, passwordFile: pw } }]
`;

test('shows the way of each flow, without secrets, and whose the file should be', async () => {
  await writeFile(file, GOOD, { mode: 0o644 });
  expect(await checkFlows(file)).toEqual([
    { name: 'file', verdict: 'ok', finding: '1 flow' },
    { name: 'secrets', verdict: 'warn', finding: expect.any(String), remedy: `chmod 600 ${file}` },
    {
      ...{ name: 'inbox', verdict: 'ok' },
      finding: 'folder inbox → parts → webhook https://example.com/parts, jsonl new/out.jsonl',
    },
  ]);
  await chmod(file, 0o600);
  expect((await checkFlows(file)).map(({ verdict }) => verdict)).toEqual(['ok', 'ok']);
});

test.skipIf(!hasFfmpeg())('a person is told what is missing, and what to do', async () => {
  await writeFile(file, BAD);
  const { code, stdout, stderr } = await runAgentCommand('flow', 'check', file);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('not well: door') });
  expect(stdout).toMatch(/^ {2}ok {4}ffmpeg +\d/m);
  expect(stdout).toMatch(/^ {2}fail {2}door +\/dev\/video77 cannot be used: there is none$/m);
  expect(stdout).toMatch(
    /^ {2}fail {2}door +secret\/out\.jsonl cannot be used: a folder on the way is a$/m,
  );
  expect(stdout).toMatch(/^ {2}fail {2}door +pw cannot be used: there is none$/m);
  await writeFile(file, 'flows: 3');
  const wrong = await runAgentCommand('flow', 'check', file);
  expect(wrong).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('line 1: flows must be'),
  });
});
