import { convert } from './convert.ts';
import type { ConvertRequest, ConvertResult, OnProgress } from './request.ts';

/** What `runLimited` calls: converts a model, which may be anybody's, in a process of its own. */
export async function run(request: ConvertRequest, report: OnProgress): Promise<ConvertResult> {
  return await convert(request, report);
}
