import type { PairedQuality } from '@flotilla/model';
import type { LaidOut } from '../../models/zoo/lay-out.ts';
import type { Tool } from './settings.ts';

/** One model as one tool made it with one setting; accuracies and agreement are fractions. */
export interface Row {
  readonly model: string;
  readonly tool: Tool;
  readonly settings: string;
  readonly metric: PairedQuality['metric'];
  readonly fp32: number;
  readonly int8: number;
  readonly lost: number;
  readonly won: number;
  readonly agreement: number;
  /** Mean divergence from fp32 in nats; null where the outputs are no classes. */
  readonly kl: number | null;
  /** Medians on one thread, of all rows of a model in turns. */
  readonly latencyMs: { readonly fp32: number; readonly int8: number };
  /** To make the model from the calibration samples, in a process of its own. */
  readonly seconds: number;
  readonly peakMb: number;
}

/** A model that a tool made. */
export interface Made {
  readonly tool: Tool;
  readonly settings: string;
  readonly file: string;
  readonly seconds: number;
  readonly peakMb: number;
  /** What the tool chose, where it was left to it. */
  readonly chosen?: string;
}

/** What a process of ours prints, and the Python peer likewise. */
export interface Cost {
  readonly seconds: number;
  readonly peakMb: number;
  readonly chosen?: string;
}

/** A subject's files, with the folder that models are made in. */
export interface Ground extends LaidOut {
  readonly name: string;
  readonly folder: string;
}
