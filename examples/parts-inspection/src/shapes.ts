import type { PartLabel } from './labels.ts';
import { circle, filled, line, type Point, polar, polygon, rectangle, stroked } from './path.ts';
import type { Random } from './random.ts';

/** Paints of one piece of metal, as SVG colors or references. */
export interface Metal {
  readonly body: string;
  readonly highlight: string;
  readonly dark: string;
  readonly deep: string;
}

/** A part seen from above, centered on the origin, about 60 pixels across. */
export interface Shape {
  /** The silhouette in one paint: used for the body, its bevel and its shadow. */
  readonly silhouette: (paint: string) => string;
  /** Markings on top of the body. */
  readonly details: (metal: Metal) => string;
}

/** One drawing function per class; each varies its proportions with the seed. */
export const SHAPES: Record<PartLabel, (random: Random) => Shape> = {
  bolt,
  nut,
  washer,
  gear: (random) => gear(random, false),
  cracked_gear: (random) => gear(random, true),
  bearing,
  spring,
  bracket,
};

const TURN = 2 * Math.PI;

function bolt(random: Random): Shape {
  const length = random.between(36, 48);
  const shank = random.between(5.5, 7.5);
  const head = random.between(11.5, 14);
  const left = -length / 2 - 6;
  const headWidth = random.between(10, 13);
  const neck = left + headWidth;
  const tip = neck + length;
  const thread = neck + length * random.between(0.2, 0.45);
  const silhouette = polygon([
    [left + 2, -head],
    [neck, -head],
    [neck, -shank],
    [tip - 2.5, -shank],
    [tip, -shank + 2.5],
    [tip, shank - 2.5],
    [tip - 2.5, shank],
    [neck, shank],
    [neck, head],
    [left + 2, head],
    [left, head - 3],
    [left, -head + 3],
  ]);
  const pitch = random.between(2.6, 3.4);
  const threads: string[] = [];
  for (let x = thread; x < tip - 1; x += pitch) {
    threads.push(
      line([
        [x, -shank],
        [x + 1.3, shank],
      ]),
    );
  }
  return {
    silhouette: (paint) => filled(silhouette, paint),
    details: (metal) =>
      filled(rectangle(left + 1, -head * 0.48, headWidth - 1, head * 0.96), metal.highlight, 0.55) +
      stroked(
        line([
          [left, -head * 0.48],
          [neck, -head * 0.48],
        ]) +
          line([
            [left, head * 0.48],
            [neck, head * 0.48],
          ]),
        metal.deep,
        0.9,
      ) +
      stroked(
        line([
          [neck, -head],
          [neck, head],
        ]),
        metal.deep,
        1.1,
      ) +
      filled(rectangle(neck, shank * 0.3, tip - neck - 1, shank * 0.7), metal.dark, 0.6) +
      stroked(threads.join(''), metal.deep, 1.1, 0.85),
  };
}

function nut(random: Random): Shape {
  const radius = random.between(25, 28);
  const hole = radius * random.between(0.4, 0.48);
  const corners = Array.from({ length: 6 }, (_, index) => polar(radius, (index * TURN) / 6));
  const silhouette = polygon(corners) + circle(hole);
  return {
    silhouette: (paint) => filled(silhouette, paint),
    details: (metal) =>
      stroked(circle(radius * 0.84), metal.highlight, 1.4, 0.8) +
      stroked(circle(radius * 0.8), metal.dark, 0.8, 0.7) +
      stroked(circle(hole + 2.2), metal.dark, 1.6, 0.8) +
      stroked(circle(hole + 0.4), metal.deep, 1.4),
  };
}

function washer(random: Random): Shape {
  const radius = random.between(23, 27);
  const hole = radius * random.between(0.48, 0.6);
  const silhouette = circle(radius) + circle(hole);
  return {
    silhouette: (paint) => filled(silhouette, paint),
    details: (metal) =>
      stroked(circle(radius - 1.5), metal.highlight, 0.9, 0.7) +
      stroked(circle(hole + 0.5), metal.deep, 1, 0.9),
  };
}

/** Contour of a gear; teeth whose index is in `broken` are chipped off near the root. */
function teeth(
  count: number,
  tip: number,
  root: number,
  broken: ReadonlySet<number>,
  random: Random,
): Point[] {
  const points: Point[] = [];
  const step = TURN / count;
  for (let index = 0; index < count; index += 1) {
    const start = index * step;
    const isBroken = broken.has(index);
    const crest = isBroken ? root - random.between(1.5, 3.5) : tip;
    points.push(
      polar(isBroken ? root - 1 : root, start),
      polar(isBroken ? root - random.between(0, 2) : root, start + step * 0.3),
      polar(crest, start + step * 0.42),
      polar(isBroken ? crest + 1.5 : crest, start + step * 0.78),
      polar(isBroken ? root - 1 : root, start + step * 0.9),
    );
  }
  return points;
}

/** A jagged wedge from the bore to the rim, along the positive x axis before rotation. */
function crack(bore: number, rim: number, angle: number, random: Random): string {
  const width = random.between(1.1, 1.9);
  const upper: Point[] = [];
  const lower: Point[] = [];
  for (let step = 0; step <= 4; step += 1) {
    const distance = bore - 1 + ((rim - bore + 2) * step) / 4;
    const bend = angle + random.between(-1.6, 1.6) / distance;
    const half = (width * (0.45 + 0.2 * step)) / distance;
    upper.push(polar(distance, bend - half));
    lower.unshift(polar(distance, bend + half));
  }
  return polygon([...upper, ...lower]);
}

function gear(random: Random, isCracked: boolean): Shape {
  const count = random.integer(10, 13);
  const tip = random.between(28, 30.5);
  const root = tip - random.between(5, 6.2);
  const bore = random.between(5.5, 8.5);
  const first = random.integer(0, count - 1);
  const missing = isCracked ? random.integer(2, 3) : 0;
  const broken = new Set(Array.from({ length: missing }, (_, index) => (first + index) % count));
  const holes = random.chance(0.5) ? random.integer(4, 6) : 0;
  const openings = Array.from({ length: holes }, (_, index) =>
    circle(2.6, polar((root + bore) / 2 + 0.5, (index * TURN) / holes)),
  );
  const silhouette =
    polygon(teeth(count, tip, root, broken, random)) + circle(bore) + openings.join('');
  const angle = ((first + missing / 2) * TURN) / count;
  const wedge = isCracked ? crack(bore, root - 1, angle, random) : '';
  return {
    silhouette: (paint) => filled(silhouette, paint),
    details: (metal) =>
      stroked(circle(root - 3), metal.dark, 0.9, 0.7) +
      stroked(circle(bore + 2.6), metal.highlight, 1, 0.7) +
      stroked(circle(bore + 0.4), metal.deep, 1) +
      (isCracked ? filled(wedge, '#0c0c0e') : ''),
  };
}

function bearing(random: Random): Shape {
  const radius = random.between(26, 29.5);
  const outer = radius * random.between(0.77, 0.81);
  const inner = radius * random.between(0.5, 0.55);
  const bore = radius * random.between(0.3, 0.37);
  const balls = random.integer(8, 10);
  const pitch = (outer + inner) / 2;
  const size = (outer - inner) * 0.45;
  const centers = Array.from({ length: balls }, (_, index) => polar(pitch, (index * TURN) / balls));
  return {
    silhouette: (paint) => filled(circle(radius) + circle(bore), paint),
    details: (metal) =>
      filled(circle(outer) + circle(inner), '#17181b', 0.9) +
      filled(centers.map((center) => circle(size, center)).join(''), metal.body) +
      filled(
        centers.map(([x, y]) => circle(size * 0.4, [x - 0.7, y - 0.7])).join(''),
        metal.highlight,
      ) +
      stroked(circle(radius - 1.2), metal.highlight, 0.8, 0.7) +
      stroked(circle(bore + 0.5), metal.deep, 1),
  };
}

function spring(random: Random): Shape {
  const coils = random.integer(6, 8);
  const length = random.between(48, 58);
  const half = random.between(10, 13);
  const wire = random.between(2.6, 3.6);
  const pitch = length / coils;
  const front: Point[][] = [];
  const back: Point[][] = [];
  for (let index = 0; index < coils; index += 1) {
    const x = -length / 2 + index * pitch;
    front.push([
      [x, half],
      [x + pitch * 0.55, -half],
    ]);
    back.push([
      [x + pitch * 0.55, -half],
      [x + pitch, half],
    ]);
  }
  const frontPath = front.map(line).join('');
  const backPath = back.map(line).join('');
  return {
    silhouette: (paint) => stroked(backPath, paint, wire * 0.8) + stroked(frontPath, paint, wire),
    details: (metal) =>
      stroked(backPath, metal.deep, wire * 0.8, 0.6) +
      stroked(frontPath, metal.body, wire) +
      stroked(frontPath, metal.highlight, wire * 0.35, 0.9),
  };
}

function bracket(random: Random): Shape {
  const reach = random.between(44, 52);
  const rise = random.between(34, 44);
  const width = random.between(12, 15);
  const left = -reach / 2;
  const top = -rise / 2;
  const bottom = top + rise;
  const hole = width * random.between(0.2, 0.26);
  const middle = width / 2;
  const outline = polygon([
    [left, top + 2],
    [left + 2, top],
    [left + width - 2, top],
    [left + width, top + 2],
    [left + width, bottom - width],
    [left + reach - 2, bottom - width],
    [left + reach, bottom - width + 2],
    [left + reach, bottom - 2],
    [left + reach - 2, bottom],
    [left, bottom],
  ]);
  const centers: Point[] = [
    [left + middle, top + middle],
    [left + middle, bottom - width - middle],
    [left + width + middle + 3, bottom - middle],
    [left + reach - middle, bottom - middle],
  ];
  const holes = centers.map((center) => circle(hole, center)).join('');
  return {
    silhouette: (paint) => filled(outline + holes, paint),
    details: (metal) =>
      stroked(centers.map((center) => circle(hole + 0.6, center)).join(''), metal.deep, 0.9, 0.9) +
      stroked(
        line([
          [left + width, bottom - width],
          [left + 1, bottom - 1],
        ]),
        metal.dark,
        0.9,
        0.6,
      ) +
      stroked(
        line([
          [left + 1.5, top + 3],
          [left + 1.5, bottom - 2],
        ]),
        metal.highlight,
        1,
        0.7,
      ),
  };
}
