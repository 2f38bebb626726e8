import type { Precision } from '@flotilla/protocol';

export interface DeviceRuntime {
  readonly name: string;
  /** Highest ai.onnx opset; 0 where it is not known. */
  readonly maxOpset: number;
}

/** What is known of a device when a variant is chosen for it; empty or 0 where it is not known. */
export interface DeviceFacts {
  readonly target: string;
  readonly arch?: string;
  readonly memoryBytes: number;
  readonly maxOpset: number;
  readonly runtimes?: readonly DeviceRuntime[];
  /** As Linux names them in /proc/cpuinfo. */
  readonly cpuFeatures?: readonly string[];
}

/** What is known of a built variant. */
export interface VariantFacts {
  /** Of the bundle's manifest. */
  readonly digest: string;
  readonly target: string;
  readonly precision: Precision;
  readonly opset: number;
  readonly memoryBytes: number;
  /** Fraction from 0 to 1. */
  readonly accuracy: number;
  readonly latencyMs?: number;
  /** True where `latencyMs` comes from a cost table and not from a measurement. */
  readonly estimated?: boolean;
  /** Whether its loss of accuracy lies within the model's budget. */
  readonly withinBudget: boolean;
  /** What devices of its target measured; where there are figures, they go before `latencyMs`. */
  readonly lab?: LabFigures;
}

/** What real devices of one target made of a variant. */
export interface LabFigures {
  /** Devices that ran it. */
  readonly devices: number;
  /** Median over these devices of the median of a run; 0 where none ran it. */
  readonly latencyMs: number;
  /** Devices on which it could not run. */
  readonly failed: number;
  /** Why not, as most of them said; empty where none failed. */
  readonly code: string;
}
