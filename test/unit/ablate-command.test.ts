import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { assertRefused } from '../support/refused.js';
import { tal } from '../support/tal.js';

test('tal ablate refuses numbers of DDIM steps before it looks at anything else', async () => {
  const absent = ['--data', 'absent', '--out', 'absent/out', '--words', 'absent'];
  for (const steps of ['0', 'x', '2.5']) {
    const result = await tal(['ablate', ...absent, '--ddim', '1', steps], tmpdir());
    assertRefused(result, /--ddim <n\.\.\.>.*It must be an integer of at least 1/);
  }
});
