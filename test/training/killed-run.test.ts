import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Kills, killedTraining, logOf } from '../support/killed-training.js';

const supported = (name: string) => fileURLToPath(new URL(`../support/${name}.js`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tal-killed-'));
after(() => rmSync(folder, { recursive: true }));

/** Runs a program twice, once killed on the way, and compares what it leaves. @returns the folder of the whole run */
async function endsWithTheSameBits(
  name: string,
  program: readonly string[],
  files: readonly string[],
  kills: Kills,
): Promise<string> {
  const [whole, killed] = [join(folder, `${name}-whole`), join(folder, `${name}-killed`)];
  const argsFor = (to: string) => [supported(program[0]!), to, ...program.slice(1)];
  assert.equal(await killedTraining(argsFor(whole), whole, { ...kills, most: 0 }), 0);
  const count = await killedTraining(argsFor(killed), killed, kills);
  assert.ok(count > 0, 'no run was killed');
  assert.deepEqual(logOf(killed), logOf(whole));
  for (const file of files) {
    const same = readFileSync(join(killed, file)).equals(readFileSync(join(whole, file)));
    assert.ok(same, `${file} differs after ${count} kills`);
  }
  return whole;
}

it('a run of two turns with accumulation and validation that is killed ends with the same bits', async () => {
  const files = ['model.safetensors', 'best.safetensors', 'state.safetensors'];
  const whole = await endsWithTheSameBits('turns', ['killed-run'], files, { most: 4, longest: 400 });
  const validations = logOf(whole).filter(({ validation }) => validation);
  assert.deepEqual(
    validations.map(({ step }) => step),
    [7, 14, 21, 28, 35, 40],
  );
});

// What ActionDiff's bank of masks holds counts as soon as every video has been visited.
const systems = { 'actiondiff-family': { after: 22 }, mllm4wtal: {} };
for (const [name, when] of Object.entries(systems)) {
  it(`a run of ${name} that is killed ends with the same bits`, async () => {
    const files = ['model.safetensors', 'state.safetensors'];
    await endsWithTheSameBits(name, ['killed-wtal', name], files, { ...when, most: 2, longest: 200 });
  });
}
