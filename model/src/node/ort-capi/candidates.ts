/** A file that may be a library of ONNX Runtime; both paths are absolute. */
export interface LibraryFile {
  readonly path: string;
  /** Where it lies when links are followed. */
  readonly realPath: string;
}

const NAME = /\/libonnxruntime\.so(?:\.(\d+(?:\.\d+)*))?$/;

/**
 * Which of the files to try, in order: folders as they come, in each the newest version first, and
 * each file once, however many links lead to it.
 */
export function chooseCandidates(files: readonly LibraryFile[]): string[] {
  const named = files.filter(({ path }) => NAME.test(path));
  const folders = [...new Set(named.map(({ path }) => folderOf(path)))];
  const ordered = folders.flatMap((folder) =>
    named
      .filter(({ path }) => folderOf(path) === folder)
      .toSorted((a, b) => compareVersions(versionOf(b.realPath), versionOf(a.realPath))),
  );
  return [...new Set(ordered.map(({ realPath }) => realPath))];
}

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

const versionOf = (path: string): number[] =>
  (NAME.exec(path)?.[1] ?? '').split('.').filter(Boolean).map(Number);

function compareVersions(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((part, index) => part !== b[index]);
  if (at < 0) return a.length - b.length;
  return (a[at] ?? 0) - (b[at] ?? -1);
}

/** Multiarch folder of a processor architecture as Node names it (Debian policy). */
const TRIPLETS: Readonly<Record<string, string>> = {
  arm64: 'aarch64-linux-gnu',
  x64: 'x86_64-linux-gnu',
};

/** Folders in which JetPack, packages and people put the library, in the order of the search. */
export function libraryFolders(arch: string): string[] {
  const triplet = TRIPLETS[arch];
  return [
    '/usr/local/lib',
    ...(triplet === undefined ? [] : [`/usr/lib/${triplet}`]),
    '/usr/lib',
    '/usr/local/onnxruntime/lib',
    '/opt/onnxruntime/lib',
    '/usr/local/cuda/lib64',
  ];
}

/** Paths of the library in what `ldconfig -p` prints (ldconfig(8)): `NAME (…) => PATH`. */
export const linkerCachePaths = (text: string): string[] =>
  [...text.matchAll(/^\s*libonnxruntime\.so\S* \([^)]*\) => (\/\S+)$/gm)].map(
    ([, path = '']) => path,
  );

/** Below these lies a folder for each version of Python, which holds its packages. */
export const PYTHON_ROOTS = ['/usr/local/lib', '/usr/lib'] as const;
export const PYTHON_FOLDER = /^python3(\.\d+)?$/;
/** Where the wheels of ONNX Runtime keep it, below a folder of Python. */
export const WHEEL_FOLDERS = [
  'dist-packages/onnxruntime/capi',
  'site-packages/onnxruntime/capi',
] as const;
