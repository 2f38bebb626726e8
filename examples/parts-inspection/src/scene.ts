import { luma, type Rgb } from './color.ts';
import { type Drift, LIGHTS, type Light, type PartLabel } from './labels.ts';
import { createRandom, type Random } from './random.ts';
import { SHAPES, type Shape } from './shapes.ts';

export const FRAME = { width: 160, height: 120 } as const;

/** Where the part lies: pixels from the middle of the belt, degrees, factor. */
export interface Pose {
  readonly x: number;
  readonly y: number;
  readonly rotation: number;
  readonly scale: number;
}

/** The camera's error of aim: pixels, degrees, factor, and blur as sigma in pixels. */
export interface Camera {
  readonly x: number;
  readonly y: number;
  readonly tilt: number;
  readonly skew: number;
  readonly zoom: number;
  readonly blur: number;
}

/** What falls on the scene: gain per channel, slope across the frame, darkening to the corners. */
export interface Illumination {
  readonly gain: Rgb;
  /** Direction that the light comes from, in radians of the frame. */
  readonly direction: number;
  /** Relative change of brightness from the middle of the frame to its edge. */
  readonly slope: number;
  readonly vignette: number;
  /** Standard deviation of sensor noise, in units of 0 to 255. */
  readonly noise: number;
}

export interface Occluder {
  readonly kind: 'cable' | 'paper' | 'finger';
  readonly x: number;
  readonly y: number;
  readonly angle: number;
  readonly width: number;
  readonly color: Rgb;
}

/** All that one frame shows; it follows from label, seed, drift and strength alone. */
export interface Scene {
  readonly shape: Shape;
  readonly pose: Pose;
  readonly metal: Rgb;
  readonly belt: Rgb;
  readonly ribs: number;
  readonly light: Light;
  readonly illumination: Illumination;
  readonly camera: Camera;
  readonly occluder: Occluder | undefined;
  /** Seeds the marks on the belt and the noise of the sensor. */
  readonly textureSeed: number;
}

const BELTS: readonly [Rgb, ...Rgb[]] = [
  [58, 60, 64],
  [50, 84, 70],
  [58, 76, 108],
  [112, 114, 112],
];

const METALS: readonly [Rgb, ...Rgb[]] = [
  [186, 190, 196],
  [212, 211, 206],
  [198, 166, 94],
  [186, 122, 88],
  [84, 86, 92],
];

const OCCLUDER_COLORS: readonly [Rgb, ...Rgb[]] = [
  [32, 32, 36],
  [222, 218, 204],
  [176, 60, 44],
  [204, 172, 60],
];

/** Gain per channel of each light over the conveyor, before it varies from frame to frame. */
const LIGHT_GAIN: Record<Light, Rgb> = {
  white: [1, 1, 1],
  warm: [1.08, 0.98, 0.82],
  cold: [0.88, 0.98, 1.1],
  dim: [0.72, 0.71, 0.7],
};

export interface SceneOptions {
  readonly label: PartLabel;
  readonly seed: number;
  readonly drift?: Drift | undefined;
  /** 0 is no drift, 1 the full failure. */
  readonly strength?: number | undefined;
}

/** @throws RangeError where the strength is not within 0 to 1. */
export function composeScene({ label, seed, drift, strength = 1 }: SceneOptions): Scene {
  if (!(strength >= 0 && strength <= 1)) {
    throw new RangeError(`the strength of a drift is ${strength}: give a number from 0 to 1`);
  }
  const random = createRandom(seed);
  const light = random.pick(LIGHTS);
  const belt = random.pick(BELTS);
  const scene: Scene = {
    light,
    belt,
    metal: metalOn(belt, random),
    ribs: random.between(5, 11),
    shape: SHAPES[label](random),
    pose: {
      x: random.between(-22, 22),
      y: random.between(-14, 14),
      rotation: random.between(0, 360),
      scale: random.between(0.82, 1.18),
    },
    illumination: illuminate(light, random),
    camera: {
      x: random.between(-3, 3),
      y: random.between(-3, 3),
      tilt: random.between(-2, 2),
      skew: 0,
      zoom: 1,
      blur: random.between(0.3, 0.75),
    },
    occluder: random.chance(0.35) ? occlude(random) : undefined,
    textureSeed: random.bits(),
  };
  // Drawn last, so that the clean and the drifted frame of one seed show the same part.
  return drift === undefined ? scene : DRIFTED[drift](scene, strength, random);
}

/** A metal that a person can tell from the belt. */
function metalOn(belt: Rgb, random: Random): Rgb {
  let metal = random.pick(METALS);
  while (Math.abs(luma(metal) - luma(belt)) < 24) {
    metal = random.pick(METALS);
  }
  return metal;
}

function illuminate(light: Light, random: Random): Illumination {
  const [red, green, blue] = LIGHT_GAIN[light];
  const brightness = random.between(0.86, 1.14);
  const warmth = random.between(-0.03, 0.03);
  return {
    gain: [red * brightness * (1 + warmth), green * brightness, blue * brightness * (1 - warmth)],
    direction: random.between(0, 2 * Math.PI),
    slope: random.between(0.04, 0.24),
    vignette: random.between(0.02, 0.2),
    noise: random.between(1.5, 5) * (light === 'dim' ? 1.4 : 1),
  };
}

function occlude(random: Random): Occluder {
  const angle = random.between(0, 2 * Math.PI);
  const distance = random.between(17, 26);
  return {
    kind: random.pick(['cable', 'paper', 'finger']),
    x: distance * Math.cos(angle),
    y: distance * Math.sin(angle),
    angle: (angle * 180) / Math.PI,
    width: random.between(5, 9),
    color: random.pick(OCCLUDER_COLORS),
  };
}

const DRIFTED: Record<Drift, (scene: Scene, strength: number, random: Random) => Scene> = {
  lamp: failLamp,
  camera: slipCamera,
};

/** One of two lamps is out: dark, the emergency light's amber, lit from one side, noisy from gain. */
function failLamp(scene: Scene, strength: number, random: Random): Scene {
  const { illumination } = scene;
  const [red, green, blue] = illumination.gain;
  const loss = 1 - strength * random.between(0.5, 0.62);
  return {
    ...scene,
    illumination: {
      ...illumination,
      gain: [
        red * loss * (1 + 0.22 * strength),
        green * loss * (1 - 0.08 * strength),
        blue * loss * (1 - 0.42 * strength),
      ],
      slope: illumination.slope + strength * random.between(0.25, 0.4),
      noise: illumination.noise * (1 + 1.4 * strength),
    },
  };
}

/** The mount gave way: the frame hangs over the rail, turned, closer and out of focus. */
function slipCamera(scene: Scene, strength: number, random: Random): Scene {
  const { camera } = scene;
  return {
    ...scene,
    camera: {
      x: camera.x + strength * random.between(8, 20),
      y: camera.y + strength * random.between(26, 36),
      tilt: camera.tilt + strength * random.between(9, 16),
      skew: strength * random.between(5, 10),
      zoom: 1 + strength * random.between(0, 0.08),
      blur: camera.blur + strength * random.between(1, 1.6),
    },
  };
}
