/** What `runLimited` calls: each works on a model, which may be anybody's, in a process of its own. */
import { type BenchRequest, type BenchResult, benchModel } from './bench.ts';
import { type CompareRequest, type CompareResult, compareModels } from './compare.ts';
import { convert } from './convert.ts';
import { type RewriteRequest, type RewriteResult, rewriteModel } from './graph-only.ts';
import type { ConvertRequest, OnProgress } from './request.ts';
import type { ConvertResult } from './result.ts';

export async function run(request: ConvertRequest, report: OnProgress): Promise<ConvertResult> {
  return await convert(request, report);
}

export async function bench(request: BenchRequest): Promise<BenchResult> {
  return await benchModel(request);
}

export async function compare(request: CompareRequest): Promise<CompareResult> {
  return await compareModels(request);
}

export async function rewrite(request: RewriteRequest): Promise<RewriteResult> {
  return await rewriteModel(request);
}
