import { FlotillaError } from '@flotilla/protocol';
import { expect, test } from 'vitest';
import { createFullDisk } from '../../testing/full-disk.ts';
import { createPowerCutStorage } from '../../testing/power-cut-storage.ts';
import { openJournal } from '../journal.ts';
import type { LoadedModel } from '../serving/loaded-model.ts';
import type { Installed } from '../state.ts';
import { startShadows } from './start-shadows.ts';

const installed = (digest: string): Installed => ({
  ...{ deployment: `d-${digest}`, attempt: 1, digest, model: digest, version: 2 },
  precision: 'fp32',
});

test('a shadow that does not load holds up no other, though a full disk lets nothing be noted', async () => {
  const disk = createFullDisk(createPowerCutStorage());
  const journal = await openJournal(disk, '');
  await journal.update((draft) => {
    const shadow = (digest: string) => ({ installed: installed(digest), starts: 1 });
    draft.shadows = { broken: shadow('broken'), sound: shadow('sound') };
  });
  disk.fullFrom(disk.writes);
  const began: string[] = [];
  const said: string[] = [];
  const say = (text: string) => void said.push(text);
  await startShadows(
    {
      journal,
      logger: { debug: say, info: say, warn: say, error: say },
      shadows: {
        model: () => undefined,
        begin: async (slot) => void began.push(slot),
        end: () => undefined,
        close: async () => undefined,
      },
      loadShadow: async (slot) => {
        if (slot === 'sound') return { installed: installed(slot) } as LoadedModel;
        throw new FlotillaError('deployment.hung', { slot, seconds: 60 });
      },
    },
    new AbortController().signal,
  );
  expect(began).toEqual(['sound']);
  expect(said).toEqual(['shadow does not load', 'fault not recorded']);
});
