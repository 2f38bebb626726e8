import type { Precision } from '@flotilla/protocol';

export const TARGET_IDS = [
  'raspberry-pi-3',
  'raspberry-pi-4',
  'raspberry-pi-5',
  'jetson-nano',
  'jetson-xavier',
  'jetson-orin',
  'x86-64',
  'browser-wasm',
  'browser-webgpu',
  'tflite',
] as const;

export type TargetId = (typeof TARGET_IDS)[number];

/** Processor architectures as Node names them, and `wasm32` for a browser; `any` runs on several. */
export type Arch = 'x64' | 'arm64' | 'wasm32' | 'any';

/** How int8 is written into a graph so that the target's runtime computes in integers. */
export interface QdqForm {
  readonly activation: 'uint8' | 'int8';
  readonly weight: 'int8';
  /** One scale for each output channel of a weight. */
  readonly perChannel: boolean;
  /** Zero points of activations at 0 (int8) or 128 (uint8). */
  readonly symmetricActivations: boolean;
  /** Weights in 7 bits: kernels that add two products in int16 would saturate. */
  readonly reduceRange: boolean;
  /** Bias as int32 with scale of input × scale of weight. */
  readonly quantizeBias: boolean;
  /** Quantize what integer operators make too; false: only what products with weights take. */
  readonly quantizeOutputs: boolean;
  /** Quantize the residual branch that enters an Add. */
  readonly residualAddInputs: boolean;
  /** Quantize depthwise convolutions. */
  readonly depthwise: boolean;
  /** Convolutions of three channels, say, get a fourth of zeros, which some kernels are faster with. */
  readonly padChannels: boolean;
}

export type RuntimeName = 'onnxruntime' | 'onnxruntime-web' | 'tensorrt' | 'tflite';

/** Kinds of node whose cost differs by precision. */
export const COST_KINDS = ['conv', 'pointwise', 'depthwise', 'matmul', 'other'] as const;
export type CostKind = (typeof COST_KINDS)[number];

/** Time of a node relative to fp32 on the same target; 0.5 is twice as fast. */
export type RelativeCost = Readonly<Partial<Record<Precision, Readonly<Record<CostKind, number>>>>>;

export interface TargetProfile {
  readonly id: TargetId;
  /** For people. */
  readonly name: string;
  readonly arch: Arch;
  /** Memory of the smallest board of this class, shared with the system. */
  readonly memoryBytes: number;
  /** In order of preference. */
  readonly runtimes: readonly RuntimeName[];
  /** Execution providers in order of preference, as ONNX Runtime names them. */
  readonly providers: readonly string[];
  /** Highest ai.onnx opset that the class's runtime takes. */
  readonly maxOpset: number;
  /** What the target runs, in order of preference where nothing was measured. */
  readonly precisions: readonly Precision[];
  readonly qdq: QdqForm;
  /** When int8 is worth making: never, always, or only where the mix of nodes gains by it. */
  readonly int8: 'never' | 'always' | 'by-op-mix';
  readonly cost: RelativeCost;
  /** Multiply-adds a second in fp32 on one thread, for estimates: an order of magnitude. */
  readonly macsPerSecond: number;
  /** Its variants run on every device of this architecture, whatever the board. */
  readonly genericForArch: boolean;
  /** What a person should know who optimizes for it. */
  readonly notes: readonly string[];
  /** Public documents that the values come from: title and address. */
  readonly sources: readonly string[];
}
