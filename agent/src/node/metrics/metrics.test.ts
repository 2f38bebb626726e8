import { describe, expect, test } from 'vitest';
import type { Agent, AgentStatus, LoadedModel } from '../../core/index.ts';
import { createMeter } from '../../core/serving/meter.ts';
import { writeExposition } from './exposition.ts';
import { metricsRoute } from './route.ts';

describe('exposition', () => {
  test('writes counters, gauges and histograms, with labels escaped', () => {
    const text = writeExposition([
      {
        name: 'a_total',
        help: 'A.',
        type: 'counter',
        samples: [{ labels: { slot: 'x"\\\n' }, value: 2 }, { value: 1.5 }],
      },
      { name: 'none', help: 'N.', type: 'gauge', samples: [] },
      {
        name: 'h',
        help: 'H.',
        type: 'histogram',
        bounds: [0.5, 1],
        distributions: [{ labels: { slot: 'x' }, counts: [2, 0, 1], sum: 7 }],
      },
    ]);
    expect(text).toBe(
      [
        '# HELP a_total A.',
        '# TYPE a_total counter',
        'a_total{slot="x\\"\\\\\\n"} 2',
        'a_total 1.5',
        '# HELP h H.',
        '# TYPE h histogram',
        'h_bucket{slot="x",le="0.5"} 2',
        'h_bucket{slot="x",le="1"} 2',
        'h_bucket{slot="x",le="+Inf"} 3',
        'h_sum{slot="x"} 7',
        'h_count{slot="x"} 3',
        '',
      ].join('\n'),
    );
  });
});

/** An agent with a model that answered once, failed once, and refused once. */
function busyAgent(): Agent {
  const meter = createMeter();
  for (let i = 0; i < 3; i++) meter.began();
  meter.ran(2, 4);
  meter.succeeded({ input: 1, queue: 0, run: 4, output: 1 }, 2, 1000);
  meter.failed(true, 9);
  meter.dropped();
  const status: AgentStatus = {
    fleet: 'lab',
    device: 'd',
    version: '1.0.0',
    online: true,
    halted: false,
    generation: 1,
    revision: 1,
    slots: [{ slot: 'parts', ready: true, local: false, drifting: [] }],
    attempts: [],
    outbox: { pending: 3, bytes: 100, dropped: 4, rejected: 0 },
    health: {
      temperatureC: 61.5,
      throttledBy: ['heat'],
      bytesWritten: 4096,
      bytesWrittenLastHour: 0,
      powerMode: '',
    },
  } as unknown as AgentStatus;
  return {
    slots: ['parts'],
    model: () =>
      ({
        installed: { version: 7, precision: 'int8' },
        session: { provider: 'cpu' },
        load: meter.load,
      }) as unknown as LoadedModel,
    status: () => status,
  } as unknown as Agent;
}

describe('the page', () => {
  test('tells of models, device and process', async () => {
    const route = metricsRoute(busyAgent());
    const request = { params: {}, headers: {}, body: Buffer.alloc(0) };
    const { headers, body } = await route.handle(request);
    expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    const model = '{slot="parts",version="7",precision="int8",provider="cpu"}';
    for (const line of [
      `flotilla_inferences_total${model} 1`,
      `flotilla_inference_errors_total${model} 1`,
      `flotilla_requests_dropped_total${model} 1`,
      `flotilla_requests_pending${model} 1`,
      `flotilla_model_runs_total${model} 1`,
      `flotilla_inference_latency_seconds_count${model} 1`,
      `flotilla_inference_latency_seconds_sum${model} 0.006`,
      'flotilla_slot_state{slot="parts",state="ready"} 1',
      'flotilla_slot_state{slot="parts",state="on-trial"} 0',
      'flotilla_outbox_records 3',
      'flotilla_outbox_dropped_total 4',
      'flotilla_temperature_celsius 61.5',
      'flotilla_throttled 1',
      'flotilla_written_bytes_total 4096',
    ]) {
      expect(body).toContain(`${line}\n`);
    }
    expect(body).toMatch(/^process_resident_memory_bytes \d{7,}$/m);
    expect(body).toMatch(/^process_cpu_seconds_total \d/m);
  });

  test('tells the delay of the event loop from the second look on', async () => {
    const route = metricsRoute(busyAgent());
    const request = { params: {}, headers: {}, body: Buffer.alloc(0) };
    expect((await route.handle(request)).body).not.toContain('eventloop');
    await expect
      .poll(async () => (await route.handle(request)).body, { interval: 150 })
      .toMatch(/^nodejs_eventloop_lag_p99_seconds \d/m);
  });
});
