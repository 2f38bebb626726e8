import { FlotillaError } from '@flotilla/protocol';
import { microphoneArgs, wavArgs } from './ffmpeg-args.ts';
import { runFfmpegSource } from './ffmpeg-source.ts';
import type { Item } from './inlet.ts';
import type { MicrophoneConfig, WavConfig } from './schema.ts';
import { createSoundWindows, type SoundWindow } from './sound-windows.ts';
import { type Source, type SourcePorts, stamp } from './source.ts';
import { milliseconds } from './units.ts';

const SILENT = '15s';

/** What a microphone hears, in windows as the model takes them. It has no end. */
export function microphoneSource(config: MicrophoneConfig, ports: SourcePorts): Source {
  return soundSource(config, ports, {
    label: `microphone ${config.microphone}`,
    live: true,
    silentMs: milliseconds(config.timeout ?? SILENT),
    args: (sampleRate) => microphoneArgs(config, sampleRate),
  });
}

/** A sound file from its start to its end, in windows as the model takes them. */
export function wavSource(config: WavConfig, ports: SourcePorts): Source {
  return soundSource(config, ports, {
    label: `wav ${config.wav}`,
    live: false,
    silentMs: milliseconds(SILENT),
    args: (sampleRate) => wavArgs(config, ports.folder, sampleRate),
  });
}

interface SoundOptions {
  readonly label: string;
  readonly live: boolean;
  readonly silentMs: number;
  args(sampleRate: number): string[];
}

interface WindowConfig {
  readonly window?: string | undefined;
  readonly hop?: string | undefined;
}

function soundSource(
  config: WindowConfig,
  ports: SourcePorts,
  { label, live, silentMs, args }: SoundOptions,
): Source {
  const fail = (reason: string): never => {
    throw new FlotillaError('flow.source-failed', { source: label, reason });
  };

  /** Of the model that is there now; another one may take other sound. */
  function wanted() {
    const input = ports.input();
    if (input.kind !== 'audio') return fail(`the model takes ${input.kind} there, and no sound`);
    const { sampleRate } = input;
    const lengthOf = (time: string) => Math.round((milliseconds(time) * sampleRate) / 1000);
    const length = config.window === undefined ? input.samples : lengthOf(config.window);
    if (!length) return fail('the model takes sound of any length: say how much under window');
    const hop = config.hop === undefined ? length : Math.max(1, lengthOf(config.hop));
    return { sampleRate, length, hop };
  }

  return {
    label,
    lossless: !live,
    room: 1,
    async run({ emit }, signal) {
      const { sampleRate, length, hop } = wanted();
      const windows = createSoundWindows(length, hop);
      const itemOf = ({ samples, start }: SoundWindow): Item => {
        const now = wanted();
        if (now.sampleRate !== sampleRate || now.length !== length) {
          fail('the model that is there now takes other sound');
        }
        return {
          raw: { type: 'INT16', shape: [samples.length], data: samples },
          label: live ? '' : `${(start / sampleRate).toFixed(2)} s`,
          ...stamp(ports),
          settle: () => undefined,
        };
      };
      const itemsOf = function* (chunk: Uint8Array) {
        for (const window of windows.push(chunk)) yield itemOf(window);
      };
      const run = { label, args: args(sampleRate), silentMs, endless: live };
      await runFfmpegSource(run, { emit, lossless: !live, itemsOf }, signal);
      if (signal.aborted) return;
      for (const window of windows.end()) await emit(itemOf(window));
    },
  };
}
