import type { RuntimeInfo } from '@flotilla/protocol';
import { runtimeInfo } from '../device/capabilities.ts';

/** A runtime that can run models here, or why one that comes with the agent cannot. */
export type FoundRuntime =
  | ({ readonly kind: 'found' } & RuntimeInfo)
  | { readonly kind: 'missing'; readonly name: string; readonly reason: string };

/** Looks for every runtime that the agent knows. Native libraries are loaded here, and not before. */
export async function findRuntimes(): Promise<FoundRuntime[]> {
  try {
    const { ortRuntime } = await import('@flotilla/model/node');
    return [{ kind: 'found', ...runtimeInfo(ortRuntime()) }];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [{ kind: 'missing', name: 'onnxruntime', reason }];
  }
}
