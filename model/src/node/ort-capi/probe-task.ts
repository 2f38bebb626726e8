import { type LibraryFacts, libraryFacts } from './runtime.ts';

/** Runs in a limited child process; see `probeLibrary`. */
export const run = (path: string): LibraryFacts => libraryFacts(path);
