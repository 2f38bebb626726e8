/** The C library that this process runs on: `glibc 2.36`, or `musl`; empty where it is neither. */
export function readLibc(): string {
  if (process.platform !== 'linux') return '';
  const { report } = process;
  // looking names up in DNS may take seconds
  Object.assign(report, { excludeNetwork: true });
  const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime ? `glibc ${header.glibcVersionRuntime}` : 'musl';
}
