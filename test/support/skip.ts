/**
 * Says by name what a suite leaves out because the system lacks it.
 *
 * @throws Error with `CI=true`, where nothing may be left out
 */
export function skipOrFail(what: string, reason: string): undefined {
  if (process.env.CI === 'true') throw new Error(`${what} must not be skipped in CI: ${reason}`);
  process.stderr.write(`skipped: ${what}: ${reason}\n`);
  return undefined;
}
