import { packBundle } from '@flotilla/protocol';
import { describe, expect, test, vi } from 'vitest';
import { createPowerCutStorage } from '../../testing/power-cut-storage.ts';
import {
  alone,
  fast,
  file,
  inFleet,
  request,
  served,
  serves,
} from '../../testing/side-load-bed.ts';
import { makeToyBundle } from '../../testing/toy-model.ts';

describe('loading by hand, in a fleet', () => {
  test('holds the slot until the server names something new, and is told in what is active', async () => {
    const { fleet, agent, want } = await inFleet();
    const active = await want(1);
    await serves(agent, 1);
    const loading = await agent.load(request(await file({ version: 7 })));
    await serves(agent, 7);
    await vi.waitFor(() => {
      expect(fleet.state?.active).toMatchObject([{ slot: 'parts', version: 7 }]);
    }, fast);
    // the same pair again is nothing new
    fleet.want({ slots: [{ name: 'parts', mode: 'MODE_PRESENT', active }] });
    await agent.idle();
    await serves(agent, 7);
    expect(fleet.outcomes().map(({ deployment }) => deployment)).not.toContain(loading.deployment);
    await want(2);
    await serves(agent, 2);
    expect(agent.status().slots[0]?.local).toBe(false);
    // telemetry of what was loaded by hand is nobody's but the person's
    const told = () => [...fleet.records.values()].flatMap(({ window }) => window?.version ?? []);
    await vi.waitFor(() => expect(told()).toContain(2), fast);
    expect(told()).toContain(1);
    expect(told()).not.toContain(7);
    await expect(agent.unload('parts')).rejects.toMatchObject({ code: 'load.none' });
    await agent.stop();
  });

  test('gives the slot back to what the fleet had there', async () => {
    const { fleet, agent, want, storage } = await inFleet();
    await want(1);
    await serves(agent, 1);
    for (const version of [7, 8]) {
      await agent.load(request(await file({ version })));
      await serves(agent, version);
    }
    await agent.unload('parts');
    await serves(agent, 1);
    expect(agent.status().slots[0]?.local).toBe(false);
    await vi.waitFor(() => expect(fleet.state?.active).toMatchObject([{ version: 1 }]), fast);
    await vi.waitFor(async () => expect(await storage.list('blobs')).toHaveLength(6), fast);
    await agent.stop();
  });

  test('is given up where the server wants the slot gone', async () => {
    const { fleet, agent, want } = await inFleet();
    await want(1);
    await serves(agent, 1);
    await agent.load(request(await file({ version: 7 })));
    await serves(agent, 7);
    fleet.want({ slots: [{ name: 'parts', mode: 'MODE_ABSENT' }] });
    await vi.waitFor(() => expect(agent.slots).toEqual([]), fast);
    await agent.stop();
  });

  test('takes the place of a deployment that is on its way', async () => {
    const { fleet, agent, want } = await inFleet();
    const active = await want(1, { watchMs: 60_000 });
    await vi.waitFor(() => expect(agent.status().slots[0]?.trial?.version).toBe(1), fast);
    await agent.load(request(await file({ version: 7 })));
    await serves(agent, 7);
    await vi.waitFor(() => {
      expect(fleet.outcomes()).toMatchObject([
        { deployment: active.id, result: 'RESULT_ROLLED_BACK', code: 'deployment.superseded' },
      ]);
    }, fast);
    await agent.stop();
  });

  test('takes what the fleet signed, and refuses what it signed too long ago', async () => {
    const { fleet, agent } = await inFleet();
    const bundle = await makeToyBundle({ version: 5 });
    fleet.publishBundle(bundle);
    const part = (name: string) => fleet.get(`/tuf/${name}`).body;
    const metadata = {
      root: [part('1.root.json')],
      timestamp: part('timestamp.json'),
      snapshot: part('snapshot.json'),
      targets: part('targets.json'),
    };
    const bytes = Buffer.concat(await packBundle({ ...bundle, metadata }));
    expect(await agent.load(request(bytes))).toMatchObject({ signedBy: 'fleet' });
    await serves(agent, 5);
    // newer metadata is known now: what is older is a replay
    fleet.publishBundle(await makeToyBundle({ version: 6 }));
    const newer = {
      ...metadata,
      timestamp: part('timestamp.json'),
      snapshot: part('snapshot.json'),
      targets: part('targets.json'),
    };
    await agent.load(request(Buffer.concat(await packBundle({ ...bundle, metadata: newer }))));
    await expect(agent.load(request(bytes))).rejects.toMatchObject({ code: 'trust.rejected' });
    await agent.stop();
  });

  test('waits while the fleet is halted', async () => {
    const { fleet, agent } = await inFleet();
    fleet.halt(true);
    await vi.waitFor(() => expect(agent.status().halted).toBe(true), fast);
    await expect(agent.load(request(await file({ version: 1 })))).rejects.toMatchObject({
      code: 'deployment.halted',
    });
    await agent.stop();
  });

  test('goes on while the agent stays away from its fleet, which is left as it is', async () => {
    const storage = createPowerCutStorage();
    const { agent, want } = await inFleet(storage);
    await want(1);
    await serves(agent, 1);
    await agent.stop();
    const away = await alone(storage);
    expect(await served(away)).toBe(1);
    await away.load(request(await file({ version: 7 })));
    await serves(away, 7);
    await away.unload('parts');
    await serves(away, 1);
    await away.stop();
  });

  test('leaves an attempt of the fleet alone that is on its way in another slot', async () => {
    const storage = createPowerCutStorage();
    const { agent, want } = await inFleet(storage);
    await want(2, { watchMs: 60_000 });
    await vi.waitFor(() => expect(agent.status().slots[0]?.trial?.version).toBe(2), fast);
    await agent.stop();
    const away = await alone(storage);
    await away.load(request(await file({ version: 7 }), { slot: 'other' }));
    await vi.waitFor(() => expect(away.slots).toEqual(['other', 'parts']), fast);
    await away.idle();
    const outcome = away.status().attempts.find(({ slot }) => slot === 'parts');
    expect(outcome?.result).toBe('RESULT_IN_PROGRESS');
    await away.stop();
  });

  test('joins a fleet later, and trusts its root then', async () => {
    const storage = createPowerCutStorage();
    const before = await alone(storage);
    await before.load(request(await file({ version: 7 })));
    await serves(before, 7);
    await before.stop();
    const { agent, want } = await inFleet(storage);
    expect(await served(agent)).toBe(7);
    await want(1);
    await serves(agent, 1);
    await agent.stop();
  });
});
