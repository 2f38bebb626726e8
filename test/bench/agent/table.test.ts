import { expect, test } from 'vitest';
import { jsonOf, tableOf } from './table.ts';

const memory = (allMb: number) => ({ allMb, anonymousMb: 40, fileMb: allMb - 40 });
const overheads = {
  bareMs: 0.4,
  libraryMs: 0.42,
  httpMs: 0.7,
  libraryOverheadUs: 20.00049,
  httpAddsMs: 0.28,
  eventLoopP99Ms: 1.5,
};
const footprint = {
  idle: memory(109),
  images: memory(140),
  startMs: 380,
  idleCpuPercent: 0.1,
  writtenMbPerHour: 0.2,
};

test('the figures are given for machines under the names that are asked for', () => {
  expect(jsonOf(overheads, footprint)).toEqual({
    libraryOverheadUs: 20,
    httpAddsMs: 0.28,
    eventLoopP99Ms: 1.5,
    idleRssMb: 109,
    imagesRssMb: 140,
    startMs: 380,
    idleCpuPercent: 0.1,
  });
});

test('a person sees each figure beside its limit, and times as ratios', () => {
  const table = tableOf(overheads, footprint);
  expect(table).toMatch(/^library +0\.420 ms {2}1\.05 × bare$/m);
  expect(table).toMatch(/^resident, one small model +109\.0 MB {2}at most 110: 40 its own, 69 /m);
});
