/** What the guides list, compared with the code. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as errors from '../../src/errors.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

it('docs/guides/errors.md has every class of error with its code, and no other', () => {
  const guide = readFileSync(join(root, 'docs/guides/errors.md'), 'utf8');
  const listed = [...guide.matchAll(/^\| `(\w+)` \| `(\w+)` \|/gm)].map(
    ([, name, code]) => `${name} ${code}`,
  );
  const { TalError, ...classes } = errors;
  const thrown = Object.values(classes).map((Class) => new Class('message'));
  assert.ok(thrown.every((error) => error instanceof TalError));
  assert.deepEqual(listed.sort(), thrown.map(({ name, code }) => `${name} ${code}`).sort());
});

describe('scripts/check-links.mjs', () => {
  const check = (folder: string) =>
    spawnSync(process.execPath, [join(root, 'scripts/check-links.mjs'), folder], { encoding: 'utf8' });

  it('finds no broken link in the Markdown files', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tal-links-'));
    try {
      const { status, stderr } = check(folder);
      assert.equal(stderr, '');
      assert.equal(status, 0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('names files and headings that do not exist', () => {
    const folder = mkdtempSync(join(root, 'dist/links-'));
    try {
      writeFileSync(
        join(folder, 'a.html'),
        '<h2 id="x">X</h2><a href="#x">1</a><a href="#y">2</a><a href="b.html">3</a>',
      );
      const { status, stderr } = check(folder);
      assert.equal(status, 1);
      assert.match(stderr, /a\.html: #y: no such heading/);
      assert.match(stderr, /a\.html: b\.html: no such file/);
      assert.doesNotMatch(stderr, /#x/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
