import { MEDIA } from '@flotilla/protocol';
import type { ArtifactStore } from '../../registry/artifacts.ts';
import { readLayer } from '../../registry/read-layer.ts';

/** @param bundle digest of the bundle's manifest; empty where it carries no labels */
export type LabelsFor = (bundle: string) => Promise<readonly string[]>;

const MAX_LABELS_BYTES = 4 << 20;
const MAX_LABELS = 2000;
const MAX_LABEL = 80;
const CACHED = 100;

/** Reads class labels out of bundles and remembers the last few; content never changes. */
export function createLabels(artifacts: ArtifactStore): LabelsFor {
  const cache = new Map<string, readonly string[]>();
  return async (bundle) => {
    const known = cache.get(bundle);
    if (known !== undefined) return known;
    const labels = await readLabels(artifacts, bundle);
    if (cache.size >= CACHED) cache.clear();
    cache.set(bundle, labels);
    return labels;
  };
}

async function readLabels(artifacts: ArtifactStore, bundle: string): Promise<readonly string[]> {
  const layer = await readLayer(artifacts, bundle, MEDIA.labels, MAX_LABELS_BYTES);
  return layer === undefined ? [] : parseLabels(new TextDecoder().decode(layer.bytes));
}

/** One label a line, cut to what a screen can show. */
export function parseLabels(text: string): string[] {
  const lines = text.replace(/\r?\n$/, '').split(/\r?\n/);
  return lines.slice(0, MAX_LABELS).map((line) => line.trim().slice(0, MAX_LABEL));
}
