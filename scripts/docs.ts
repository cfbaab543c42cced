/** Writes the documents that are generated from code: `npm run docs`. */
import { writeFileSync } from 'node:fs';
import { ERRORS_PAGE, errorsPage } from './errors-page.js';
import { reference } from './reference.js';

writeFileSync('docs/reference.md', await reference());
writeFileSync(ERRORS_PAGE, await errorsPage());
