import { css, type Rgb, shade } from './color.ts';
import { filled, line, type Point, rectangle, stroked } from './path.ts';
import { createRandom } from './random.ts';
import { FRAME, type Occluder, type Scene } from './scene.ts';

/** Half the width of the belt; beyond it lie the rail and the floor, which a slipped camera sees. */
const BELT_HALF = FRAME.height / 2 + 4;
const RAIL = 13;
const REACH = 160;
const RAIL_COLOR: Rgb = [196, 199, 203];
const FLOOR_COLOR: Rgb = [164, 156, 144];

/** The scene as an SVG document of 160×120 pixels, before light and noise. */
export function drawScene(scene: Scene): string {
  const { camera, pose } = scene;
  const aim =
    `translate(${FRAME.width / 2 + camera.x} ${FRAME.height / 2 + camera.y}) rotate(${camera.tilt}) ` +
    `skewX(${camera.skew}) scale(${camera.zoom})`;
  const occluder = scene.occluder === undefined ? '' : drawOccluder(scene.occluder);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${FRAME.width}" height="${FRAME.height}">` +
    `<g transform="${aim}">${drawBelt(scene)}` +
    `<g transform="translate(${pose.x} ${pose.y})">${drawPart(scene)}${occluder}</g></g></svg>`
  );
}

function drawBelt(scene: Scene): string {
  const random = createRandom(scene.textureSeed);
  const ribs: string[] = [];
  for (let x = -REACH + random.between(0, scene.ribs); x < REACH; x += scene.ribs) {
    ribs.push(
      line([
        [x, -BELT_HALF],
        [x, BELT_HALF],
      ]),
    );
  }
  const scratches = Array.from({ length: 26 }, () => {
    const x = random.between(-90, 90);
    const y = random.between(-60, 60);
    return line([
      [x, y],
      [x + random.between(2, 12), y + random.between(-1.2, 1.2)],
    ]);
  });
  const stain = `<ellipse cx="${random.between(-70, 70)}" cy="${random.between(-50, 50)}" rx="${random.between(8, 26)}" ry="${random.between(5, 16)}" fill="${css(shade(scene.belt, 0.55))}" opacity="${random.between(0.15, 0.5)}"/>`;
  return (
    filled(rectangle(-REACH, -REACH, 2 * REACH, 2 * REACH), css(FLOOR_COLOR)) +
    filled(
      rectangle(-REACH, -BELT_HALF - RAIL, 2 * REACH, 2 * (BELT_HALF + RAIL)),
      css(RAIL_COLOR),
    ) +
    filled(rectangle(-REACH, -BELT_HALF, 2 * REACH, 2 * BELT_HALF), css(scene.belt)) +
    stroked(ribs.join(''), css(shade(scene.belt, 0.72)), 1.4, 0.7) +
    stain +
    stroked(scratches.join(''), css(shade(scene.belt, 1.5)), 0.5, 0.5)
  );
}

/** Shadow, bevel, body and markings; the light keeps its direction while the part turns. */
function drawPart({ shape, metal, pose, illumination, camera }: Scene): string {
  const turned = (illumination.direction * 180) / Math.PI - pose.rotation - camera.tilt;
  const radians = (turned * Math.PI) / 180;
  const toward: Point = [Math.cos(radians), Math.sin(radians)];
  const gradient =
    `<defs><linearGradient id="metal" gradientUnits="userSpaceOnUse" x1="-30" y1="0" x2="30" y2="0" gradientTransform="rotate(${turned})">` +
    `<stop offset="0" stop-color="${css(shade(metal, 0.72))}"/><stop offset="0.55" stop-color="${css(metal)}"/>` +
    `<stop offset="0.75" stop-color="${css(shade(metal, 1.25))}"/><stop offset="1" stop-color="${css(shade(metal, 0.95))}"/></linearGradient></defs>`;
  const paints = {
    body: 'url(#metal)',
    highlight: css(shade(metal, 1.4)),
    dark: css(shade(metal, 0.62)),
    deep: css(shade(metal, 0.38)),
  };
  const moved = (distance: number, content: string, opacity = 1): string =>
    `<g transform="translate(${toward[0] * distance} ${toward[1] * distance})" opacity="${opacity}">${content}</g>`;
  return (
    `${gradient}<g transform="rotate(${pose.rotation}) scale(${pose.scale})">` +
    moved(-4.2, shape.silhouette('#000'), 0.22) +
    moved(-2.8, shape.silhouette('#000'), 0.3) +
    moved(-0.9, shape.silhouette(paints.deep)) +
    moved(0.8, shape.silhouette(paints.highlight)) +
    `${shape.silhouette(paints.body)}${shape.details(paints)}</g>`
  );
}

const OCCLUDERS: Record<Occluder['kind'], (width: number, color: Rgb) => string> = {
  cable: (width, color) => {
    const run = 'M0 -150C14 -60 -10 -20 2 0S-8 70 4 150';
    return (
      `<g transform="translate(2 2)">${stroked(run, '#000', width, 0.35)}</g>` +
      stroked(run, css(shade(color, 0.8)), width) +
      stroked(run, css(shade(color, 1.3)), width * 0.3, 0.6)
    );
  },
  paper: (width, color) =>
    filled(rectangle(1, -width + 1.5, 26, width * 2), '#000', 0.35) +
    filled(rectangle(0, -width, 26, width * 2), css(color)) +
    stroked(
      line([
        [4, -width * 0.4],
        [20, -width * 0.4],
      ]) +
        line([
          [4, width * 0.2],
          [16, width * 0.2],
        ]),
      '#444',
      1,
      0.6,
    ),
  finger: (width, color) =>
    `<rect x="1.5" y="${-width + 2}" width="150" height="${width * 2}" rx="${width * 0.7}" fill="#000" opacity="0.35"/>` +
    `<rect x="0" y="${-width}" width="150" height="${width * 2}" rx="${width * 0.7}" fill="${css(color)}"/>` +
    filled(rectangle(width, -width * 0.6, 140, width * 0.35), css(shade(color, 1.3)), 0.6),
};

function drawOccluder({ kind, x, y, angle, width, color }: Occluder): string {
  return `<g transform="translate(${x} ${y}) rotate(${angle})">${OCCLUDERS[kind](width, color)}</g>`;
}
