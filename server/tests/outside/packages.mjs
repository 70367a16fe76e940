// The packages of other people that the tests drive. They live with the browser tests, so that one lock file
// pins them all.

import { createRequire } from 'node:module';

/** As `require`, from the folder of that lock file. */
export const fetchPackage = createRequire(new URL('../../../loadgen/tests/browser/package.json', import.meta.url));
