/** Processor architectures that an agent is packed for, as Node names them. */
export const ARCHES = ['x64', 'arm64'] as const;
export type Arch = (typeof ARCHES)[number];

export const isArch = (text: string): text is Arch => (ARCHES as readonly string[]).includes(text);

/** A package from the registry that lies beside the bundle. */
export interface Part {
  readonly package: string;
  /** Its files that a device needs; `package.json` and licenses come with every part. */
  readonly keep: readonly RegExp[];
}

/**
 * What the bundle loads at run time and does not hold: native libraries of one platform, and what
 * is loaded as a file. A package that `bundle-for-node.ts` leaves out has its row here, with those
 * that it requires in turn.
 */
export const partsOf = (arch: Arch): readonly Part[] => [
  { package: 'onnxruntime-node', keep: [/^dist\/.*\.js$/, binariesFor(arch)] },
  { package: 'onnxruntime-common', keep: [/^dist\/cjs\/.*\.js(on)?$/] },
  { package: 'sharp', keep: [/^dist\/.*\.[cm]js$/] },
  { package: '@img/colour', keep: [/\.cjs$/] },
  { package: 'detect-libc', keep: [/^lib\/.*\.js$/] },
  { package: 'semver', keep: [/\.js$/] },
  { package: `@img/sharp-linux-${arch}`, keep: [/^index\.cjs$/, /^lib\/.*\.node$/] },
  { package: `@img/sharp-libvips-linux-${arch}`, keep: [/^lib\/[^/]*\.(so|js)/] },
  { package: 'koffi', keep: [/^ind[a-z]+\.c?js$/, /^src\/koffi\/.*\.c?js$/] },
  { package: `@koromix/koffi-linux-${arch}`, keep: [/^index\.js$/, /^linux_[^/]+\/.*\.node$/] },
  { package: '@tensorflow/tfjs-tflite', keep: [/^wasm\/tflite_web_api_cc_simd\.(js|wasm)$/] },
];

const binariesFor = (arch: Arch) => new RegExp(`^bin/napi-v\\d+/linux/${arch}/`);

/** The package whose `bin/node` runs the agent. */
export const nodePackage = (arch: Arch): string => `node-linux-${arch}`;

/** Text of licenses, as packages name such files. */
export const LICENSE_FILES = /^(licen[cs]e|copying|notice|thirdparty)[^/]*$/i;
