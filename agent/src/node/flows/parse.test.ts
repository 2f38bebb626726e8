import { readFile } from 'node:fs/promises';
import { isFlotillaError } from '@flotilla/protocol';
import { describe, expect, test } from 'vitest';
import { parseFlows } from './parse.ts';
import { flowsSchemaText } from './schema-file.ts';

const GOOD = `flows:
  - name: belt
    source: { camera: /dev/video0, size: 640x480, fps: 30 }
    model: parts
    filter: { minConfidence: 0.6, every: 1s }
    sinks:
      - mqtt: { url: "mqtt://127.0.0.1:1883", topic: parts/belt }
      - { jsonl: out.jsonl, rotate: { bytes: 10MB, keep: 3 } }
      - webhook: https://example.com/parts
        secretFile: secret.txt
`;

function refusal(text: string): string {
  try {
    parseFlows(text, 'flows.yaml');
  } catch (error) {
    if (isFlotillaError(error, 'flows.invalid')) return error.message;
    throw error;
  }
  return 'taken';
}

test('takes what the manual shows', () => {
  const [flow] = parseFlows(GOOD, 'flows.yaml');
  expect(flow).toMatchObject({ name: 'belt', model: 'parts', source: { camera: '/dev/video0' } });
  expect(flow?.sinks).toHaveLength(3);
});

describe('tells the line, the key and what must be there', () => {
  test.each([
    ['camera: /dev/video0', 'camera: ../etc', 'line 3: flows.0.source.camera must be the device'],
    ['camera: /dev/video0', 'camera: /dev/../etc', 'line 3: flows.0.source.camera must be the'],
    ['size: 640x480', 'size: big', 'line 3: flows.0.source.size must be the size of the frames'],
    [
      'fps: 30',
      'fsp: 30',
      'line 3: flows.0.source has the unknown key "fsp"; allowed: camera, size',
    ],
    ['camera: /dev/video0', 'kamera: /dev/video0', 'line 3: flows.0.source needs one of camera'],
    ['{ camera: /dev/video0, size: 640x480, fps: 30 }', '{ camera: test, video: a.mp4 }', 'both'],
    ['{ camera: /dev/video0, size: 640x480, fps: 30 }', '{ video: "file:///a.mp4" }', 'not file'],
    ['{ camera: /dev/video0, size: 640x480, fps: 30 }', '{ video: "concat:a|b" }', 'not concat'],
    [
      '{ camera: /dev/video0, size: 640x480, fps: 30 }',
      '{ video: "rtsp://cam/1", loop: true }',
      'source.loop is for files',
    ],
    ['model: parts', 'model: Parts!', 'line 4: flows.0.model must be the slot'],
    ['    model: parts\n', '', 'line 2: flows.0.model is missing'],
    ['every: 1s', 'every: 1', 'line 5: flows.0.filter.every must be the least time'],
    ['topic: parts/belt', 'topic: "parts/#"', 'line 7: flows.0.sinks.0.mqtt.topic must be a topic'],
    ['mqtt://127.0.0.1:1883', 'http://127.0.0.1', 'line 7: flows.0.sinks.0.mqtt.url must be the'],
    ['bytes: 10MB', 'bytes: ten', 'line 8: flows.0.sinks.1.rotate.bytes must be the size'],
    ['https://example.com', 'ftp://example.com', 'line 9: flows.0.sinks.2.webhook must be the'],
    ['https://example', 'https://me:100%@example', 'line 9: flows.0.sinks.2.webhook must be the'],
    ['mqtt://127', 'mqtt://me:100%@127', 'line 7: flows.0.sinks.0.mqtt.url must be the address'],
    ['secretFile: secret.txt', 'secretFile: a\n        secret: b', 'are both given'],
    ['name: belt', 'name: belt\n    name: two', 'line 3 has the key name a second time'],
    ['flows:', 'flows: [', 'is not YAML'],
    ['flows:', 'flow:', 'unknown key "flow"'],
  ])('%s → %s', (from, to, message) => {
    expect(GOOD).toContain(from);
    expect(refusal(GOOD.replace(from, to))).toContain(message);
  });

  test('for flows of one name, and for two that read standard input', () => {
    const flow = (name: string) =>
      `  - { name: ${name}, model: m, source: { csv: stdin }, sinks: [{ jsonl: o }] }\n`;
    expect(refusal(`flows:\n${flow('a')}${flow('a')}`)).toContain('line 3: flows.1.name');
    expect(refusal(`flows:\n${flow('a')}${flow('b')}`)).toContain('read by another flow');
  });
});

test('the schema for editors is the one that is checked by', async () => {
  const file = new URL('../../../flows.schema.json', import.meta.url);
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(JSON.parse(flowsSchemaText()));
});
