import type { ConvertResult, VariantReport } from '@flotilla/converters';
import { FlotillaError } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import type { Built } from '../builds/build-variants.ts';
import { type BuildRow, setBuild, setVersionStatus } from '../builds/store.ts';
import type { ServerContext } from '../context.ts';
import type { Database } from '../db/schema.ts';
import { addVariants, type BundleReport, type TakenBundle, takeBundle } from './take-bundles.ts';

type Parts = Pick<ServerContext, 'db' | 'dialect' | 'now' | 'artifacts' | 'trust'>;
type Taken = readonly { readonly bundle: TakenBundle; readonly report: BundleReport }[];

/** Makes bundles variants of the fleet and signs that they may exist, in one transaction. */
export async function signVariants(
  parts: Pick<Parts, 'now' | 'trust'>,
  trx: Kysely<Database>,
  fleet: string,
  taken: Taken,
): Promise<void> {
  await addVariants(parts, trx, fleet, taken);
  await parts.trust.publishTargets(trx, fleet);
}

/**
 * Takes what a build has made into the fleet: blobs first, then, all at once, variants, signed
 * targets and the version's being ready.
 *
 * @throws FlotillaError `build.nothing-passed`
 */
export async function signBuild(parts: Parts, build: BuildRow, { result }: Built): Promise<void> {
  const taken: { bundle: TakenBundle; report: BundleReport }[] = [];
  for (const variant of result.variants) {
    if (variant.file === null) continue;
    const bundle = await takeBundle(parts.artifacts, variant.file);
    checkNames(build, bundle);
    taken.push({ bundle, report: { withinBudget: variant.accuracy.passed, report: variant } });
  }
  if (taken.length === 0) throw nothingPassed(build, result);
  await parts.db.transaction().execute(async (trx) => {
    await signVariants(parts, trx, build.fleet, taken);
    await setBuild(trx, build, {
      status: 'succeeded',
      result: JSON.stringify(summaryOf(result)),
      finished_ms: parts.now(),
    });
    await setVersionStatus(trx, build, 'ready');
  });
}

const summaryOf = ({ warnings, variants, source }: ConvertResult) => ({
  warnings,
  source: { digest: source.digest, bytes: source.bytes, opset: source.opset },
  withheld: variants.filter(({ file }) => file === null).map(reasonOf),
});

const reasonOf = ({ target, precision, accuracy, warnings }: VariantReport) => ({
  target,
  precision,
  reason: [accuracy.judged, ...warnings].join('; '),
});

function nothingPassed({ model, version }: BuildRow, result: ConvertResult): FlotillaError {
  const [first] = result.variants.map(reasonOf);
  const reason =
    first === undefined
      ? (result.warnings[0] ?? 'the converter made none')
      : `${first.target} ${first.precision}: ${first.reason}`;
  return new FlotillaError('build.nothing-passed', { model, version, reason });
}

/** The converter ran on a model from outside: what it wrote is checked like any upload. */
function checkNames({ model, version }: BuildRow, { variant }: TakenBundle): void {
  if (variant.model === model && variant.version === version) return;
  const where = `${model}@${version}`;
  const reason = `a bundle of ${variant.model}@${variant.version} came out of its build`;
  throw new FlotillaError('bundle.invalid', { where, reason });
}
