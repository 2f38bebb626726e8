/** Says in one line what `npm run test:models` wants, before the suites start. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.env.FLOTILLA_MODELS ?? '';
if (!existsSync(join(folder, 'MANIFEST.json'))) {
  console.error(
    `no MANIFEST.json in FLOTILLA_MODELS=${folder || '(not set)'}: name the folder of the test models, for instance FLOTILLA_MODELS=../shared/models npm run test:models`,
  );
  process.exit(2);
}
