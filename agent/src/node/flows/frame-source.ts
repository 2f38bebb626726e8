import { FlotillaError } from '@flotilla/protocol';
import { schemeOf, shownUrl } from './address.ts';
import type { FfmpegRun } from './ffmpeg.ts';
import { cameraArgs, videoArgs } from './ffmpeg-args.ts';
import { runFfmpegSource } from './ffmpeg-source.ts';
import type { Item } from './inlet.ts';
import { createPpmReader, type Frame } from './ppm.ts';
import type { CameraConfig, VideoConfig } from './schema.ts';
import { type Source, type SourcePorts, stamp } from './source.ts';
import { milliseconds } from './units.ts';

/** A camera that is opened, or a stream that buffers at its start, takes seconds. */
const SILENT = '15s';

/** A camera of Video4Linux. It is never at its end: one that stops was unplugged. */
export function cameraSource(config: CameraConfig, ports: SourcePorts): Source {
  const { camera, timeout = SILENT } = config;
  return frameSource(ports, {
    label: `camera ${camera}`,
    args: cameraArgs(config),
    silentMs: milliseconds(timeout),
    endless: true,
    lossless: false,
  });
}

/** A video file, which ends, or a stream, which does not. */
export function videoSource(config: VideoConfig, ports: SourcePorts): Source {
  const { video, realtime = true, timeout = SILENT } = config;
  const stream = schemeOf(video) !== undefined;
  return frameSource(ports, {
    label: `video ${stream ? shownUrl(video) : video}`,
    args: videoArgs(config, ports.folder),
    silentMs: milliseconds(timeout),
    endless: stream || config.loop === true,
    lossless: !realtime,
  });
}

interface FrameOptions extends FfmpegRun {
  readonly label: string;
  readonly endless: boolean;
  readonly lossless: boolean;
}

function frameSource(ports: SourcePorts, options: FrameOptions): Source {
  const { label, lossless } = options;
  return {
    label,
    lossless,
    room: 1,
    async run({ emit }, signal) {
      const reader = createPpmReader((reason) => {
        throw new FlotillaError('flow.source-failed', { source: label, reason });
      });
      const itemsOf = function* (chunk: Uint8Array) {
        for (const frame of reader.push(chunk)) yield itemOf(frame, ports);
      };
      await runFfmpegSource(options, { emit, lossless, itemsOf }, signal);
    },
  };
}

/** Pixels go to the model's preprocessing as they are. */
function itemOf({ width, height, data, release }: Frame, ports: SourcePorts): Item {
  return {
    raw: { type: 'UINT8', shape: [height, width, 3], data },
    label: '',
    ...stamp(ports),
    settle: release,
  };
}
