import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { assertRefused } from '../support/refused.js';

const tal = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

test('tal ablate refuses numbers of DDIM steps before it looks at anything else', () => {
  for (const steps of ['0', 'x', '2.5']) {
    const args = [
      'ablate',
      '--data',
      'absent',
      '--out',
      'absent/out',
      '--words',
      'absent',
      '--ddim',
      '1',
      steps,
    ];
    const result = spawnSync(process.execPath, [tal, ...args], { encoding: 'utf8', cwd: tmpdir() });
    assertRefused(result, /--ddim <n\.\.\.>.*It must be an integer of at least 1/);
  }
});
