import { encode } from '@flotilla/protocol';
import { describe, expect, test, vi } from 'vitest';
import { createPowerCutStorage } from '../testing/power-cut-storage.ts';
import { createTestFleet } from '../testing/test-fleet.ts';
import { answer, ended, fast, present, publish, startToyAgent } from '../testing/toy-agent.ts';
import type { AgentPorts } from './assemble.ts';

describe('agent', () => {
  test('takes a deployment through its steps and reports success after the commit', async () => {
    const fleet = createTestFleet();
    const bundle = await publish(fleet, { version: 1 });
    fleet.want({ slots: [present(fleet.deployment(bundle))] });
    const agent = await startToyAgent(fleet);
    await ended(fleet, 1);
    expect(await answer(agent)).toBe(1);
    expect(fleet.outcomes()).toMatchObject([
      {
        result: 'RESULT_COMMITTED',
        selfTest: { passed: true, runtime: 'toy', provider: 'cpu', fallbacks: [] },
      },
    ]);
    expect(agent.status().slots[0]).toMatchObject({ runtime: 'toy', provider: 'cpu' });
    const steps = [...fleet.records.values()].flatMap(({ outcome }) => outcome?.step ?? []);
    expect(steps).toEqual(['download', 'verify', 'selfTest', 'activate', 'watch', 'commit']);
    await vi.waitFor(
      () => expect(fleet.state).toMatchObject({ online: true, active: [{ version: 1 }] }),
      fast,
    );
    await vi.waitFor(() => expect(agent.status().outbox.pending).toBe(0), fast);
  });

  test('serves from the journal without a server after a restart', async () => {
    const fleet = createTestFleet();
    fleet.want({ slots: [present(fleet.deployment(await publish(fleet, { version: 1 })))] });
    const storage = createPowerCutStorage();
    const agent = await startToyAgent(fleet, { storage });
    await ended(fleet, 1);
    await agent.stop();
    const away = createTestFleet('http://away.test');
    const offline = {
      ...away,
      identity: fleet.identity,
      root: fleet.root,
      get: () => ({ status: 503, body: new Uint8Array() }),
    };
    const again = await startToyAgent(offline, { storage });
    expect(await answer(again)).toBe(1);
    expect(again.status().online).toBe(false);
  });

  test('removes a slot only when told so', async () => {
    const fleet = createTestFleet();
    fleet.want({ slots: [present(fleet.deployment(await publish(fleet, { version: 1 })))] });
    const agent = await startToyAgent(fleet);
    await ended(fleet, 1);
    fleet.want({ slots: [] });
    await vi.waitFor(() => expect(agent.status().revision).toBe(2), fast);
    expect(await answer(agent)).toBe(1);
    fleet.want({ slots: [{ name: 'parts', mode: 'MODE_ABSENT' }] });
    await ended(fleet, 2);
    expect(fleet.outcomes()[1]).toMatchObject({ result: 'RESULT_REMOVED' });
    await expect(answer(agent)).rejects.toMatchObject({ code: 'infer.no-slot' });
  });

  test('does nothing new while the fleet is halted, and goes on afterwards', async () => {
    const fleet = createTestFleet();
    fleet.halt(true);
    const agent = await startToyAgent(fleet);
    await vi.waitFor(() => expect(agent.status().halted).toBe(true), fast);
    fleet.want({ slots: [present(fleet.deployment(await publish(fleet, { version: 1 })))] });
    await vi.waitFor(() => expect(agent.status().revision).toBe(1), fast);
    await agent.idle();
    expect(agent.status().attempts).toEqual([]);
    fleet.halt(false);
    await ended(fleet, 1);
  });

  test('ignores an older desired state and a halt that nobody signed', async () => {
    const fleet = createTestFleet();
    const bundle = await publish(fleet, { version: 1 });
    fleet.want({ slots: [present(fleet.deployment(bundle))] });
    const [old] = fleet.retained;
    fleet.want({ slots: [] });
    const agent = await startToyAgent(fleet);
    await vi.waitFor(() => expect(agent.status().revision).toBe(2), fast);
    const topic = `flotilla/1/lab/all/down/halt`;
    const forged = {
      generation: 9,
      counter: 9,
      halted: true,
      signed: new TextEncoder().encode('{}'),
    };
    for (const listen of fleet.listeners) {
      listen(old?.[0] ?? '', old?.[1] ?? new Uint8Array());
      listen(old?.[0] ?? '', Uint8Array.of(255, 255, 255));
      listen(topic, encode('Halt', forged));
    }
    await vi.waitFor(
      () => expect(agent.log.filter((line) => line.startsWith('message ignored'))).toHaveLength(2),
      fast,
    );
    await agent.idle();
    expect(agent.status()).toMatchObject({ revision: 2, halted: false, attempts: [] });
  });

  test('waits for a server that is away, and for one that signs anew meanwhile', async () => {
    const fleet = createTestFleet();
    fleet.want({ slots: [present(fleet.deployment(await publish(fleet, { version: 1 })))] });
    fleet.unavailable = 2;
    fleet.resignAfter = 'timestamp.json';
    await startToyAgent(fleet);
    await ended(fleet, 1);
    expect(fleet.resignAfter).toBe('');
    expect(fleet.outcomes()).toMatchObject([{ result: 'RESULT_COMMITTED' }]);
  });

  test('waits on a metered link, says so, and goes on when the link has changed', async () => {
    const fleet = createTestFleet();
    let metered = true;
    const network = async () => ({ name: 'wwan0', metered, why: 'it is a modem' });
    const ports = (bed: AgentPorts) => ({ ...bed, device: { ...bed.device, network } });
    const agent = await startToyAgent(fleet, { ports });
    const bundle = await publish(fleet, { version: 1 });
    fleet.want({ slots: [present(fleet.deployment(bundle, { metered: 'METERED_WAIT' }))] });
    const told = () => [...fleet.records.values()].map(({ outcome }) => outcome?.code);
    await vi.waitFor(() => expect(told()).toContain('download.metered'), fast);
    expect(agent.status().attempts).toMatchObject([
      { step: 'download', code: 'download.metered', detail: expect.stringContaining('wwan0') },
    ]);
    metered = false;
    await ended(fleet, 1);
    const bytes = [bundle.manifestBytes, ...bundle.blobs.values()].map(({ length }) => length);
    expect(fleet.outcomes()).toMatchObject([
      {
        result: 'RESULT_COMMITTED',
        transfer: {
          bytes: bytes.reduce((sum, length) => sum + length),
          deltaBytes: 0,
          fallbacks: [],
        },
      },
    ]);
  });
});
