import type { Overheads } from './library.ts';
import type { Footprint } from './memory.ts';

/** What a device may expect, and what was measured. */
export function tableOf(overheads: Overheads, footprint: Footprint): string {
  const { bareMs, libraryMs, httpMs } = overheads;
  const { idle, images } = footprint;
  const share = (ms: number) => `${(ms / bareMs).toFixed(2)} × bare`;
  const parts = ({ anonymousMb, fileMb }: Footprint['idle']) =>
    `${anonymousMb.toFixed(0)} its own, ${fileMb.toFixed(0)} programs and libraries`;
  const rows: readonly (readonly [what: string, figure: string, note: string])[] = [
    ['onnxruntime-node behind a worker', `${bareMs.toFixed(3)} ms`, 'bare'],
    ['library', `${libraryMs.toFixed(3)} ms`, share(libraryMs)],
    ['HTTP, Unix socket, binary', `${httpMs.toFixed(3)} ms`, share(httpMs)],
    ['the library adds', `${overheads.libraryOverheadUs.toFixed(0)} µs`, 'at most 30'],
    ['HTTP adds to the library', `${overheads.httpAddsMs.toFixed(3)} ms`, 'at most 0.5'],
    ['event loop delay, p99', `${overheads.eventLoopP99Ms.toFixed(1)} ms`, 'at most 20'],
    ['resident, one small model', `${idle.allMb.toFixed(1)} MB`, `at most 110: ${parts(idle)}`],
    ['resident after images', `${images.allMb.toFixed(1)} MB`, `at most 145: ${parts(images)}`],
    ['start to the first answer', `${footprint.startMs.toFixed(0)} ms`, 'at most 400'],
    ['processor while idle', `${footprint.idleCpuPercent.toFixed(2)} %`, 'at most 0.5'],
    ['written while idle', `${footprint.writtenMbPerHour.toFixed(2)} MB/h`, 'at most 1'],
  ];
  const [first, second] = [0, 1].map((i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  return rows
    .map(
      ([what, figure, note]) =>
        `${what.padEnd(first ?? 0)}  ${figure.padStart(second ?? 0)}  ${note}`,
    )
    .join('\n');
}

/** The figures alone, for machines. */
export function jsonOf(overheads: Overheads, footprint: Footprint) {
  const round = (value: number) => Math.round(value * 1000) / 1000;
  return {
    libraryOverheadUs: round(overheads.libraryOverheadUs),
    httpAddsMs: round(overheads.httpAddsMs),
    eventLoopP99Ms: round(overheads.eventLoopP99Ms),
    idleRssMb: round(footprint.idle.allMb),
    imagesRssMb: round(footprint.images.allMb),
    startMs: round(footprint.startMs),
    idleCpuPercent: round(footprint.idleCpuPercent),
  };
}
