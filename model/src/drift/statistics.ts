export { type Cusum, createCusum } from './cusum.ts';
export { hellinger, jsDistance, klDivergence, ks, psi, shares, wasserstein } from './distances.ts';
export {
  chiSquareCdf,
  chiSquareQuantile,
  chiSquareTail,
  normalCdf,
  normalQuantile,
} from './distributions.ts';
export {
  benjaminiHochberg,
  ksPValue,
  ksTwoSample,
  mcnemar,
  psiPValue,
  psiThreshold,
} from './tests.ts';
