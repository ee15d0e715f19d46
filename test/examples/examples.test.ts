/** Runs the examples as a reader would, each in a process of its own, and looks for what they promise. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hangMs } from '../support/limits.js';
import { noVideoLibrary } from '../support/video-library.js';

const folder = fileURLToPath(new URL('../../../examples/', import.meta.url));

/** What each example must print; every run of blanks and line ends counts as one blank. */
const facts: Readonly<Record<string, readonly RegExp[]>> = {
  'attention.mjs': [
    /bidirectional, without the padding: ((0\.\d{3} ){5}\. sum 1\.000 ){6}/,
    /causal: 1\.000 \. \. \. \. \. sum 1\.000 0\.\d{3} 0\.\d{3} \. \. \. \. sum 1\.000 /,
    /as a diffusion language model decodes: (0\.\d{3} 0\.\d{3} \. \. \. \. sum 1\.000 ){2}/,
  ],
  'capture.mjs': [
    /condition 1: the state is within 0\.00\d of it/,
    /condition -3: the state is within 0\.00\d of it/,
    /recording 50 steps takes [\d.]+ ms and replaying [\d.]+ ms/,
  ],
  'language-model.mjs': [/(\d+ ){4}(____ ){4}/, /answer: (\d+ ){8}$/],
  'map-diffusion.mjs': [
    /at t = 0 the similarity is (1\.00|0\.99)/,
    /at t = 999 the similarity is -?0\.0\d/,
    /moment 1: 5\.12 - 10\.24 s, score 1\.00 moment 2: 16\.64 - 30\.72 s, score 1\.00/,
  ],
  'masked-decoding.mjs': [
    /4 masked: when is the dive \? from ____ ____ to ____ ____ /,
    /2 masked: when is the dive \? from ____ s to ____ s /,
    /answer: from 3 s to 7 s /,
  ],
  'moments.mjs': [/(video \d \(\d+ s\): found [\d.]+ - [\d.]+ s, score [\d.]+; true [\d.]+ - [\d.]+ s ?){6}/],
  'own-device.mjs': [/softmax of 1 2 3 4: 0\.0321 0\.0871 0\.2369 0\.6439/],
  'own-kernel.mjs': [
    /smooth: 0 0 3 3 3 0 0/,
    /five neighbours: 0\.0 0\.9 0\.9 5\.4 0\.9 0\.9 0\.0/,
    /the sum after two steps: 8\.8/,
    /kernel with_a_mistake does not compile: 16:\d+ error/,
  ],
  'training.mjs': [/step 150: off by 0\.0\d\d of the length/],
  'video-question.mjs': [/(step \d: ".*" ){4}answer: "[^░]*"/],
  'tensors.mjs': [/a row a snippet: 0\.810 0\.040 0\.040 0\.110/, /best classes: 0 1 0/],
};

it('every example is tested', () => {
  const examples = readdirSync(folder).filter((name) => name.endsWith('.mjs'));
  assert.deepEqual(Object.keys(facts).sort(), examples.sort());
});

/** Examples that read video files. */
const ofVideos = ['video-question.mjs'];

for (const [name, expected] of Object.entries(facts)) {
  it(name, { skip: ofVideos.includes(name) && noVideoLibrary }, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [folder + name], {
      encoding: 'utf8',
      timeout: hangMs,
    });
    assert.equal(status, 0, stderr);
    const said = stdout.replace(/\s+/g, ' ');
    for (const fact of expected) assert.match(said, fact);
  });
}
