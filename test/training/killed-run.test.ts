import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../support/killed-run.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tal-killed-'));
after(() => rmSync(folder, { recursive: true }));

/** Runs the program, and kills it so long after it has saved a state; waits for its end where there is no time given. */
function run(name: string, killAfterMs?: number): Promise<number | null> {
  const state = join(folder, name, 'state.safetensors');
  const saved = () => statSync(state, { throwIfNoEntry: false })?.ino;
  const before = saved();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, join(folder, name)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const watch = setInterval(() => {
      if (killAfterMs === undefined || saved() === before) return;
      clearInterval(watch);
      setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    }, 5);
    child.on('exit', (status) => {
      clearInterval(watch);
      resolve(status);
    });
  });
}

const read = (name: string, file: string) => readFileSync(join(folder, name, file));

/** The lines of a log without what depends on the machine. */
const log = (name: string) =>
  read(name, 'log.jsonl')
    .toString()
    .trim()
    .split('\n')
    .map((line) => ({ ...JSON.parse(line), seconds: 0 }));

it('a run of two turns with accumulation and validation that is killed ends with the same bits', async () => {
  assert.equal(await run('whole'), 0);
  let kills = 0;
  while (!existsSync(join(folder, 'killed', 'model.safetensors')) && kills < 4) {
    const status = await run('killed', 400 * Math.random());
    if (status === null) kills++;
  }
  if (!existsSync(join(folder, 'killed', 'model.safetensors'))) assert.equal(await run('killed'), 0);
  assert.ok(kills > 0, 'no run was killed');
  assert.deepEqual(log('killed'), log('whole'));
  for (const file of ['model.safetensors', 'best.safetensors', 'state.safetensors']) {
    assert.ok(read('killed', file).equals(read('whole', file)), `${file} differs after ${kills} kills`);
  }
  const validations = log('whole').filter(({ validation }) => validation);
  assert.deepEqual(
    validations.map(({ step }) => step),
    [7, 14, 21, 28, 35, 40],
  );
});
