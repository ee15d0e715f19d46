import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

test('a progress bar has no names of values before the first of them', () => {
  const module = new URL('../../src/cli/views/progress.js', import.meta.url).href;
  const script = `
    process.stderr.isTTY = false;
    const { Progress } = await import(${JSON.stringify(module)});
    const progress = new Progress(3, 'loss {loss} | {seconds} s a step', { loss: '-', seconds: '-' });
    progress.update(1, { loss: '0.5', seconds: '2' });
    progress.stop();
  `;
  const { stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  assert.match(stderr, /loss - \| - s a step/);
  assert.doesNotMatch(stderr, /\{/);
});
