import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { FileFormatError } from '../../src/errors.js';

/** A folder for the tests of a file, gone after them; gives what writes a file there: text or bytes as they are, else JSON. */
export function madeFiles(prefix: string): (name: string, content: unknown) => string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  after(() => rmSync(folder, { recursive: true }));
  return (name, content) => {
    const path = join(folder, name);
    const text =
      typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content);
    writeFileSync(path, text);
    return path;
  };
}

/** For `assert.rejects`: a FileFormatError that begins with the path and says this. */
export const refusal = (path: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof FileFormatError, `${error}`);
  assert.match(error.message, message);
  return error.message.startsWith(path);
};
