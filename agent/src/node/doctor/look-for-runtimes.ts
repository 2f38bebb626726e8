import type { FindOptions, MissingRuntime } from '@flotilla/model/node';
import type { RuntimeInfo } from '@flotilla/protocol';
import { runtimeInfo } from '../device/capabilities.ts';

/** What runs models here, in the order in which the agent asks, and what cannot. */
export interface RuntimesHere {
  readonly found: readonly RuntimeInfo[];
  readonly missing: readonly MissingRuntime[];
  /** A path where the owner named a library; `auto` or `none` else. */
  readonly ortLibrary: string;
}

/**
 * The same search as a running agent's. Native libraries are loaded here, and not before: a package
 * that lacks them is a finding.
 */
export async function lookForRuntimes(options: FindOptions): Promise<RuntimesHere> {
  const { ortLibrary = 'auto' } = options;
  try {
    const { findRuntimes } = await import('@flotilla/model/node');
    const { runtimes, missing } = await findRuntimes(options);
    return { found: runtimes.map(runtimeInfo), missing, ortLibrary };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { found: [], missing: [{ name: 'onnxruntime', reason }], ortLibrary };
  }
}
