/** Give something else each time they run. */
export const RANDOM_OPERATORS: readonly string[] = [
  ...['Bernoulli', 'Multinomial', 'RandomNormal', 'RandomNormalLike'],
  ...['RandomUniform', 'RandomUniformLike'],
];
