import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Compiled tests run from dist/test/…; real data lies beside the repository and may be absent. */
const root = fileURLToPath(new URL('../../../../shared/data/', import.meta.url));

export const sharedData = (path: string): string => `${root}${path}`;

/** For `test(name, { skip: missing('hapt') }, …)`: why the test cannot run, or false where it can. */
export const missing = (...paths: string[]): string | false => {
  const absent = paths.find((path) => !existsSync(sharedData(path)));
  return absent === undefined ? false : `../shared/data/${absent} is not here`;
};

const cases = fileURLToPath(new URL('../../../../shared/cases/', import.meta.url));

/** A small file that readers once got wrong. */
export const sharedCase = (path: string): string => `${cases}${path}`;

/** As `missing`, for `sharedCase`. */
export const missingCase = (...paths: string[]): string | false => {
  const absent = paths.find((path) => !existsSync(sharedCase(path)));
  return absent === undefined ? false : `../shared/cases/${absent} is not here`;
};
