import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hangMs } from '../support/limits.js';
import { assertRefused } from '../support/refused.js';

const tal = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tal-inputs-'));
after(() => rmSync(folder, { recursive: true }));

const query = { qid: 1, query: 'a jump', vid: 'v', duration: 10 };
const truth = `${JSON.stringify({ ...query, relevant_windows: [[2, 4]] })}\n`;
const found = `${JSON.stringify({ ...query, pred_relevant_windows: [[2, 4, 0.9]] })}\n`;
writeFileSync(join(folder, 'truth.jsonl'), truth);
writeFileSync(join(folder, 'found.jsonl'), found);

const args = (predictions: string) => [
  ...['evaluate', 'moments', '--predictions', predictions, '--ground-truth', 'truth.jsonl'],
];
const options = { encoding: 'utf8', cwd: folder, timeout: hangMs } as const;
const windows = process.platform === 'win32' && 'no such files';

describe('JSON', () => {
  for (const name of ['-', ...(windows ? [] : ['/dev/stdin'])]) {
    it(`is read of standard input as ${name}`, () => {
      const result = spawnSync(process.execPath, [tal, ...args(name)], { ...options, input: found });
      assert.equal(result.status, 0, result.stderr);
      assert.match(result.stdout, /R1@0\.5 +100/);
    });
  }

  it('is read of a FIFO', { skip: windows }, () => {
    spawnSync('mkfifo', [join(folder, 'fifo')]);
    const line = 'cat found.jsonl > fifo & "$0" "$@"';
    const result = spawnSync('sh', ['-c', line, process.execPath, tal, ...args('fifo')], options);
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stdout, /R1@0\.5 +100/);
  });

  it('is refused of what does not end', { skip: !existsSync('/dev/zero') && 'no /dev/zero' }, () => {
    assertRefused(
      spawnSync(process.execPath, [tal, ...args('/dev/zero')], options),
      /\/dev\/zero gives more than 256 MiB/,
    );
  });
});
