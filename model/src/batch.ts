/** Samples of a batch: one whose samples hold little or nothing may claim any number of them. */
export const MAX_BATCH = 4096;
