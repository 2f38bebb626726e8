import { resolve } from 'node:path';
import { schemeOf } from './address.ts';
import type { CameraConfig, MicrophoneConfig, VideoConfig, WavConfig } from './schema.ts';

/**
 * Containers that a video file may be. Playlists (HLS, concat) are not among them: they name further
 * files and addresses to open (ffmpeg.org/ffmpeg-formats.html).
 */
const CONTAINERS = [
  'mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,mpegts,mpeg,mpegvideo,h264,hevc,m4v',
  'mjpeg,mjpeg_2000,mpjpeg,ogg,gif,nut,wav,mp3,flac,aac',
].join(',');

/** Protocols that ffmpeg may use on the way to a stream, by its scheme. */
const PROTOCOLS: Readonly<Record<string, string>> = {
  rtsp: 'rtsp,rtp,rtcp,udp,tcp',
  rtsps: 'rtsp,rtsps,rtp,srtp,rtcp,udp,tcp,tls,crypto',
  http: 'http,tcp',
  https: 'https,http,tcp,tls,crypto',
  tcp: 'tcp',
  udp: 'udp',
};

const QUIET = ['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'error'];

/** A picture that moves, from ffmpeg itself. */
const TEST_SIZE = '640x480';
const TEST_FPS = 30;

/** Arguments that make ffmpeg write the frames of a camera to its standard output. */
export function cameraArgs({ camera, size, fps, format }: CameraConfig): string[] {
  if (camera === 'test') {
    const picture = `testsrc2=size=${size ?? TEST_SIZE}:rate=${fps ?? TEST_FPS}`;
    return [...QUIET, '-re', '-f', 'lavfi', '-i', picture, ...frameArgs({})];
  }
  return [
    ...QUIET,
    ...['-f', 'v4l2'],
    ...option('-input_format', format),
    ...option('-framerate', fps),
    ...option('-video_size', size),
    ...['-protocol_whitelist', 'file', '-i', camera],
    // a camera that has no such size gives its nearest
    ...frameArgs({ size }),
  ];
}

/** Arguments that make ffmpeg write the frames of a file or stream to its standard output. */
export function videoArgs(config: VideoConfig, folder: string): string[] {
  const { video, size, fps, realtime = true, loop = false, transport = 'tcp' } = config;
  const scheme = schemeOf(video);
  if (scheme === undefined) {
    return [
      ...QUIET,
      ...(realtime ? ['-re'] : []),
      ...(loop ? ['-stream_loop', '-1'] : []),
      ...fileArgs(video, folder),
      ...frameArgs({ size, fps }),
    ];
  }
  const rtsp = scheme.startsWith('rtsp');
  return [
    ...QUIET,
    ...['-protocol_whitelist', PROTOCOLS[scheme] ?? scheme],
    ...(rtsp ? ['-rtsp_transport', transport] : ['-format_whitelist', CONTAINERS]),
    ...['-fflags', 'nobuffer', '-flags', 'low_delay'],
    ...['-i', video],
    ...frameArgs({ size, fps }),
  ];
}

/** Arguments that make ffmpeg write what a microphone hears to its standard output. */
export function microphoneArgs({ microphone }: MicrophoneConfig, sampleRate: number): string[] {
  const [, pulse] = /^pulse:(.+)$/.exec(microphone) ?? [];
  const device =
    pulse === undefined ? ['-f', 'alsa', '-i', microphone] : ['-f', 'pulse', '-i', pulse];
  return [...QUIET, ...device, ...soundArgs(sampleRate)];
}

/** Arguments that make ffmpeg write the sound of a file to its standard output. */
export function wavArgs({ wav }: WavConfig, folder: string, sampleRate: number): string[] {
  return [...QUIET, ...fileArgs(wav, folder), ...soundArgs(sampleRate)];
}

const fileArgs = (file: string, folder: string): string[] => [
  ...['-protocol_whitelist', 'file', '-format_whitelist', CONTAINERS],
  ...['-i', `file:${resolve(folder, file)}`],
];

/** One channel of 16-bit samples, little endian. */
const soundArgs = (sampleRate: number): string[] => [
  ...['-map', '0:a:0', '-ac', '1', '-ar', `${sampleRate}`],
  ...['-c:a', 'pcm_s16le', '-f', 's16le', 'pipe:1'],
];

/** Each frame as it comes, none doubled or left out, as a PPM picture. */
function frameArgs({ size, fps }: { size?: string | undefined; fps?: number | undefined }) {
  const filters = [
    ...(fps === undefined ? [] : [`fps=${fps}`]),
    ...(size === undefined ? [] : [`scale=${size.replace('x', ':')}`]),
  ];
  return [
    ...['-map', '0:v:0'],
    ...(filters.length > 0 ? ['-vf', filters.join(',')] : []),
    ...['-fps_mode', 'passthrough', '-pix_fmt', 'rgb24'],
    ...['-c:v', 'ppm', '-f', 'image2pipe', 'pipe:1'],
  ];
}

const option = (name: string, value: string | number | undefined): string[] =>
  value === undefined ? [] : [name, `${value}`];
