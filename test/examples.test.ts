/** Runs the examples as a reader would, each in a process of its own, and looks for what they promise. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../examples/', import.meta.url));

/** What each example must print. */
const facts: Readonly<Record<string, readonly RegExp[]>> = {
  'attention.mjs': [
    /^bidirectional.*\n( {2}(0\.\d{3} ){5} {2}\. {4}sum 1\.000\n){6}/m,
    /^causal:\n {2}1\.000( {3}\. {2}){5} sum 1\.000\n {2}(0\.\d{3} ){2}( {2}\. {3}){4} sum 1\.000$/m,
    /^causal in blocks.*\n( {2}(0\.\d{3} ){2}( {2}\. {3}){4} sum 1\.000\n){2}/m,
  ],
  'capture.mjs': [
    /^condition 1: the state is within 0\.00\d of it/m,
    /^condition -3: the state is within 0\.00\d of it/m,
    /^on the CPU, recording takes [\d.]+ ms and replaying [\d.]+ ms$/m,
  ],
  'map-diffusion.mjs': [
    /^at t = 0 the similarity is (1\.00|0\.99)$/m,
    /^at t = 999 the similarity is -?0\.0\d$/m,
    /^moment 1: 5\.12 - 10\.24 s, score 1\.00\nmoment 2: 16\.64 - 30\.72 s, score 1\.00$/m,
  ],
  'own-device.mjs': [/^softmax of 1 2 3 4: 0\.0321 0\.0871 0\.2369 0\.6439$/m],
  'tensors.mjs': [
    /^f32\[3, 4\] of the classes, a row a snippet:\n0\.810 0\.040 0\.040 0\.110$/m,
    /^best classes: 0 1 0$/m,
  ],
};

it('every example is tested', () => {
  const examples = readdirSync(folder).filter((name) => name.endsWith('.mjs'));
  assert.deepEqual(Object.keys(facts).sort(), examples.sort());
});

for (const [name, expected] of Object.entries(facts)) {
  it(name, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [folder + name], {
      encoding: 'utf8',
      timeout: 120_000,
    });
    assert.equal(status, 0, stderr);
    for (const fact of expected) assert.match(stdout, fact);
  });
}
