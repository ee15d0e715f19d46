import assert from 'node:assert/strict';
import type { Ended } from './tal.js';

/** Ends with status 1, one line that says it, and no stack. */
export function assertRefused({ status, stdout, stderr }: Ended, message: RegExp): void {
  assert.equal(status, 1, `${stdout}${stderr}`);
  // Dawn writes warnings of its own before that.
  const said = stderr.slice(Math.max(0, stderr.search(/^(tal|error): /m)));
  assert.match(said, message);
  assert.doesNotMatch(said, /\n\s+at /);
}
