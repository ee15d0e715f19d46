import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { relativeError } from '../../cases/support/host.js';
import { type NumericArray, toFloat32 } from '../../src/data/formats/array.js';
import { readNpy } from '../../src/data/formats/npy.js';
import { encodeSafetensors } from '../../src/data/formats/safetensors.js';
import { languageConfigs } from '../../src/models/mdvlm/language/language-config.js';
import { configFile, writeRandomCheckpoint } from '../support/language-checkpoint.js';
import { LanguageGolden } from '../support/language-golden.js';
import { assertRefused } from '../support/refused.js';
import { tal } from '../support/tal.js';

const folder = mkdtempSync(join(tmpdir(), 'tal-decode-'));
after(() => rmSync(folder, { recursive: true }));

const inFolder = (name: string) => join(folder, name);
const save = (name: string, content: string | Uint8Array): string => {
  writeFileSync(inFolder(name), content);
  return inFolder(name);
};
const makeFolder = (name: string): string => {
  mkdirSync(inFolder(name));
  return inFolder(name);
};

/** Runs `tal decode` with these options. */
function decode(options: Readonly<Record<string, string | number>>) {
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return tal(['decode', ...args], folder);
}

const prompt = save('prompt.json', '[3, 1, 4, 1, 5]');
const json = inFolder('out.json');
const tiny = makeFolder('tiny');
await writeRandomCheckpoint(tiny, languageConfigs.tiny, { shards: 3 });
const config = configFile(languageConfigs.tiny, 'llama');
const broken = (name: string, change: object): string => {
  const model = makeFolder(name);
  writeFileSync(join(model, 'config.json'), JSON.stringify({ ...config, ...change }));
  return model;
};
const misfit = broken('misfit', { intermediate_size: 128 });
writeFileSync(join(misfit, 'model.safetensors'), encodeSafetensors({}));
const cut = makeFolder('cut');
await writeRandomCheckpoint(cut, languageConfigs.tiny);
const whole = readFileSync(join(cut, 'model.safetensors'));
writeFileSync(join(cut, 'model.safetensors'), whole.subarray(0, -100));

const common = { 'prompt-ids': prompt, json, 'gen-length': 8 };

describe('tal decode', () => {
  it('decodes sharded bf16 weights as PyTorch does', async () => {
    const golden = await LanguageGolden.open('llama');
    const model = makeFolder('sharded');
    writeFileSync(join(model, 'config.json'), JSON.stringify(golden.config));
    const entries = Object.entries(await golden.weights());
    const files = ['model-1-of-2.safetensors', 'model-2-of-2.safetensors'];
    const shard = (i: number): Record<string, NumericArray> =>
      Object.fromEntries(entries.filter((_, k) => k % 2 === i));
    for (const [i, file] of files.entries()) writeFileSync(join(model, file), encodeSafetensors(shard(i)));
    const map = Object.fromEntries(entries.map(([name], k) => [name, files[k % 2]]));
    writeFileSync(join(model, 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }));

    const { prompt, length, blockLength, steps, guidanceScale, trace } = golden.decodings[1]!;
    const result = await decode({
      ...{ model, 'prompt-ids': save('golden.json', JSON.stringify(prompt)), json, 'gen-length': length },
      ...{ 'block-length': blockLength, steps, 'cfg-scale': guidanceScale, logits: inFolder('logits.npy') },
    });
    assert.equal(result.status, 0, result.stderr);
    assert.deepEqual(JSON.parse(readFileSync(json, 'utf8')), { ids: trace.at(-1), trace });
    const logits = readNpy(readFileSync(inFolder('logits.npy')), 'logits.npy');
    assert.equal(logits.dtype, 'f32');
    assert.deepEqual(logits.shape, [prompt.length + length, golden.config.vocab_size]);
  });

  it('gives the same by either naming and storage, from one file or several', async () => {
    const other = makeFolder('other');
    await writeRandomCheckpoint(other, languageConfigs.tiny, { names: 'llada' });
    const third = makeFolder('third');
    await writeRandomCheckpoint(third, languageConfigs.tiny, { dtype: 'f32' });
    const logitsOf = async (model: string) => {
      const logits = inFolder('logits.npy');
      const result = await decode({ ...common, model, logits, temperature: 0.5, seed: 7 });
      assert.equal(result.status, 0, result.stderr);
      assert.match(result.stdout, /8 ids after 8 steps/);
      return toFloat32(readNpy(readFileSync(logits), 'logits.npy'));
    };
    // What bf16 loses is cut off, so the two differ by up to 2^-8 in each weight.
    const [truncated, exact] = [await logitsOf(other), await logitsOf(third)];
    assert.equal(truncated.length, (5 + 8) * languageConfigs.tiny.vocabulary);
    const error = relativeError(truncated, exact);
    assert.ok(error > 0 && error < 0.05, `off by ${error}`);
  });

  it('takes weights in fewer bits', async () => {
    const logitsOf = async (weights: string) => {
      const logits = inFolder('logits.npy');
      const result = await decode({ ...common, model: tiny, logits, weights });
      assert.equal(result.status, 0, result.stderr);
      return toFloat32(readNpy(readFileSync(logits), 'logits.npy'));
    };
    const [exact, eight, four] = [await logitsOf('f32'), await logitsOf('int8'), await logitsOf('int4')];
    const [near, far] = [relativeError(eight, exact), relativeError(four, exact)];
    assert.ok(near > 0 && near < 0.05 && far > 4 * near && far < 0.5, `off by ${near} and ${far}`);
  });

  it('takes the options that stray from LLaDA', async () => {
    const banned = '0-200,300';
    const straying = {
      ...{ threshold: 0.5, revise: 0.2, 'late-ids': '400-450', rho: 0.25, 'banned-ids': banned },
      ...{ cache: 'prefix', temperature: 1, seed: 3 },
    };
    const result = await decode({ ...common, ...straying, model: tiny, 'stop-id': 460 });
    assert.equal(result.status, 0, result.stderr);
    const { ids, trace } = JSON.parse(readFileSync(json, 'utf8')) as { ids: number[]; trace: number[][] };
    const early = trace.slice(0, 6).flat();
    assert.ok(
      early.every((id) => !(id >= 400 && id <= 450)),
      'late ids wait for the last quarter of 8 steps',
    );
    assert.ok(ids.every((id) => id > 200 && id !== 300));
  });

  const refused: [what: string, options: Record<string, string | number>, message: RegExp][] = [
    ['a missing model', { model: inFolder('nowhere') }, /nowhere.*config\.json/],
    ['a model without weights', { model: broken('empty', {}) }, /empty holds neither/],
    ['a model with missing tensors', { model: misfit }, /does not fit the model\. 29 missing: model\.embed_/],
    ['a cut checkpoint', { model: cut }, /the file is cut/],
    ['a configuration of another network', { model: broken('biased', { mlp_bias: true }) }, /mlp_bias/],
    ['a missing prompt', { 'prompt-ids': inFolder('none.json') }, /none\.json/],
    [
      'a prompt that is no list',
      { 'prompt-ids': save('text.json', '{"ids": [1]}') },
      /JSON array of token ids/,
    ],
    ['ids that are not whole', { 'prompt-ids': save('half.json', '[1.5]') }, /JSON array of token ids/],
    ['an id outside of the vocabulary', { 'prompt-ids': save('far.json', '[1, 512]') }, /id 1 .* 512 tokens/],
    ['the mask in the prompt', { 'prompt-ids': save('mask.json', '[511]') }, /is the mask/],
    ['a length of no blocks', { 'block-length': 3 }, /8 tokens is no multiple of blocks of 3/],
    ['steps of no blocks', { 'block-length': 4, steps: 5 }, /5 steps are no multiple of the 2 blocks/],
    ['too long an answer', { 'gen-length': 512 }, /over the model's 512 positions/],
    ['unknown weights', { weights: 'int3' }, /Allowed choices are f32, f16, int8, int4/],
    ['no answer', { 'gen-length': 0 }, /an integer of at least 1/],
    ['a negative temperature', { temperature: -1 }, /at least 0/],
    ['a threshold that is no probability', { threshold: 1.5 }, /from 0 to 1/],
    ['a range of ids that goes backwards', { 'banned-ids': '7-5' }, /ids and ranges of ids/],
    ['an unknown cache', { cache: 'all' }, /none, prefix, block, dual/],
    [
      'banned ids outside of the vocabulary',
      { 'banned-ids': '512' },
      /ids of a vocabulary of 512 tokens, not 512/,
    ],
    ['late ids in none of the steps', { 'late-ids': '5', rho: 0 }, /rho must be a number above 0/],
    ['revision of blocks that are kept', { 'block-length': 4, revise: 0.1, cache: 'dual' }, /use one block/],
    ['a folder that is not there', { json: inFolder('nowhere/out.json') }, /nowhere/],
  ];
  for (const [what, options, message] of refused) {
    it(`refuses ${what}`, async () =>
      assertRefused(await decode({ ...common, model: tiny, ...options }), message));
  }
});
