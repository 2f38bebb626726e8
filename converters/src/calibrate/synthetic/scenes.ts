/** An image of any number of channels, one plane after another; pixels are mostly from 0 to 1. */
export interface Plane {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
}

export type Random = () => number;

/** A number from `low` to `high`. */
export function between(random: Random, low: number, high: number): number {
  return low + ((random() + 1) / 2) * (high - low);
}

/**
 * Something with the coarse statistics of photographs: a background that changes slowly, a few
 * shapes with edges, and texture whose amplitude falls with frequency (Field 1987: about as 1 / f).
 */
export function drawScene(size: Omit<Plane, 'data'>, random: Random): Plane {
  const { channels, height, width } = size;
  const plane = { ...size, data: new Float32Array(channels * height * width) };
  const color = colorOf(channels, random);
  for (let c = 0; c < channels; c++) fillPlane(plane, c, color[c]!);
  addTexture(plane, between(random, 0, 0.5), between(random, 0.4, 1.4), random);
  const shapes = Math.floor(between(random, 0, 7));
  for (let i = 0; i < shapes; i++) addShape(plane, random);
  addTexture(plane, between(random, 0, 0.3), between(random, 0.2, 1), random);
  addGrain(plane, between(random, 0, 0.05), random);
  return clamped(plane);
}

/** Another image from one or two: other light, other colors, a part exchanged, something added. */
export function vary(parent: Plane, other: Plane, random: Random): Plane {
  const child = { ...parent, data: parent.data.slice() };
  const kind = Math.floor(between(random, 0, 6));
  if (kind === 0) blend(child, other, random);
  else if (kind === 1)
    addTexture(child, between(random, 0, 0.4), between(random, 0.2, 1.4), random);
  else if (kind === 2) addShape(child, random);
  else if (kind === 3) soften(child, between(random, -0.8, 0.8));
  else if (kind === 4) relight(child, random, true);
  else relight(child, random, false);
  if (random() > 0.5) relight(child, random, random() > 0);
  return clamped(child);
}

function colorOf(channels: number, random: Random): number[] {
  const light = between(random, 0, 1);
  return Array.from({ length: channels }, () => light + between(random, -0.3, 0.3));
}

function fillPlane({ height, width, data }: Plane, channel: number, value: number): void {
  data.fill(value, channel * height * width, (channel + 1) * height * width);
}

/** Noise in octaves, the same in all channels but for a share of its own in each. */
function addTexture(plane: Plane, amplitude: number, falling: number, random: Random): void {
  const { channels, height, width, data } = plane;
  const gains = Array.from({ length: channels }, () => between(random, 0.6, 1.2));
  for (let cells = 2; cells <= Math.max(height, width) / 2; cells *= 2) {
    const level = amplitude * (2 / cells) ** falling;
    const noise = smoothNoise(height, width, cells, random);
    for (let c = 0; c < channels; c++) {
      const start = c * height * width;
      const gain = level * gains[c]!;
      for (let i = 0; i < noise.length; i++) data[start + i]! += gain * noise[i]!;
    }
  }
}

/** Random numbers on a grid of so many cells, bilinear between them. */
function smoothNoise(height: number, width: number, cells: number, random: Random): Float32Array {
  const side = cells + 2;
  const grid = Float32Array.from({ length: side * side }, random);
  const noise = new Float32Array(height * width);
  for (let y = 0; y < height; y++) {
    const gy = (y / height) * cells;
    const row = Math.floor(gy);
    const fy = gy - row;
    for (let x = 0; x < width; x++) {
      const gx = (x / width) * cells;
      const column = Math.floor(gx);
      const fx = gx - column;
      const at = row * side + column;
      const above = grid[at]! + (grid[at + 1]! - grid[at]!) * fx;
      const below = grid[at + side]! + (grid[at + side + 1]! - grid[at + side]!) * fx;
      noise[y * width + x] = above + (below - above) * fy;
    }
  }
  return noise;
}

/** An ellipse or a rectangle of one color, turned by any angle, with a soft edge. */
function addShape({ channels, height, width, data }: Plane, random: Random): void {
  const color = colorOf(channels, random);
  const [cx, cy] = [between(random, 0, width), between(random, 0, height)];
  const [rx, ry] = [between(random, 0.03, 0.4) * width, between(random, 0.03, 0.4) * height];
  const angle = between(random, 0, Math.PI);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const round = random() > 0;
  const edge = between(random, 2, 30);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const u = ((x - cx) * cos + (y - cy) * sin) / rx;
      const v = ((y - cy) * cos - (x - cx) * sin) / ry;
      const distance = round ? Math.hypot(u, v) : Math.max(Math.abs(u), Math.abs(v));
      const cover = Math.min(Math.max((1 - distance) * edge, 0), 1);
      if (cover === 0) continue;
      for (let c = 0; c < channels; c++) {
        const at = (c * height + y) * width + x;
        data[at]! += cover * (color[c]! - data[at]!);
      }
    }
  }
}

function addGrain({ data }: Plane, amplitude: number, random: Random): void {
  if (amplitude < 0.01) return;
  for (let i = 0; i < data.length; i++) data[i]! += amplitude * random();
}

/** Takes over a part of another image, with a border that winds. */
function blend({ channels, height, width, data }: Plane, other: Plane, random: Random): void {
  const cells = 2 ** Math.floor(between(random, 1, 4));
  const noise = smoothNoise(height, width, cells, random);
  const sharpness = between(random, 1, 10);
  for (let i = 0; i < noise.length; i++) {
    const cover = Math.min(Math.max(noise[i]! * sharpness + 0.5, 0), 1);
    for (let c = 0; c < channels; c++) {
      const at = c * height * width + i;
      data[at]! += cover * (other.data[at]! - data[at]!);
    }
  }
}

/** Brings each pixel nearer to the mean of its neighbors, or with a negative share away from it. */
function soften({ channels, height, width, data }: Plane, share: number): void {
  const source = data.slice();
  for (let c = 0; c < channels; c++) {
    for (let y = 1; y + 1 < height; y++) {
      for (let x = 1; x + 1 < width; x++) {
        const at = (c * height + y) * width + x;
        const around =
          source[at - 1]! + source[at + 1]! + source[at - width]! + source[at + width]!;
        data[at]! += share * (around / 4 - source[at]!);
      }
    }
  }
}

/** Changes brightness and contrast around the mean, of all channels alike or of each. */
function relight({ channels, height, width, data }: Plane, random: Random, alike: boolean): void {
  const size = height * width;
  const change = () => ({ gain: Math.exp(between(random, -0.5, 0.5)), by: random() * 0.15 });
  const common = change();
  for (let c = 0; c < channels; c++) {
    const { gain, by } = alike ? common : change();
    const plane = data.subarray(c * size, (c + 1) * size);
    const mean = plane.reduce((sum, value) => sum + value, 0) / size;
    for (let i = 0; i < size; i++) plane[i] = mean + by + (plane[i]! - mean) * gain;
  }
}

/** Sensors saturate. */
function clamped(plane: Plane): Plane {
  const { data } = plane;
  for (let i = 0; i < data.length; i++) data[i] = Math.min(Math.max(data[i]!, 0), 1);
  return plane;
}
