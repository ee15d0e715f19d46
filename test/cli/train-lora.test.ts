import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { relativeError } from '../../cases/support/host.js';
import { toFloat32 } from '../../src/data/formats/array.js';
import { readNpy } from '../../src/data/formats/npy.js';
import type { LanguageConfig } from '../../src/models/mdvlm/language/language-config.js';
import { writeRandomCheckpoint } from '../support/language-checkpoint.js';
import { assertRefused } from '../support/refused.js';
import { smallIds, writeTokenizer } from '../support/small-tokenizer.js';
import { tal } from '../support/tal.js';
import { writeVideoCheckpoint } from '../support/video-checkpoint.js';

const folder = mkdtempSync(join(tmpdir(), 'tal-lora-cli-'));
after(() => rmSync(folder, { recursive: true }));
const inFolder = (name: string) => join(folder, name);
const save = (name: string, text: string): string => {
  writeFileSync(inFolder(name), text);
  return inFolder(name);
};

const config: LanguageConfig = {
  ...{ hidden: 32, layers: 2, heads: 2, keyHeads: 2, headSize: 16, intermediate: 48, vocabulary: 1032 },
  ...{ ropeTheta: 10_000, epsilon: 1e-5, maxPositions: 400, maskId: smallIds.mask, tied: true },
};
const model = inFolder('model');
const questions = save(
  'questions.jsonl',
  '{"question": "When?", "answer": "<1.5> <3> jump", "duration": 9}\n{"question": "Who?", "answer": "ju"}\n',
);

const run = (args: string[]) => tal(args, folder);
const trainArgs = (out: string, ...more: string[]) => [
  ...['train', 'lora', '--model', model, '--data', questions, '--out', inFolder(out), '--steps', '2'],
  ...['--batch', '2', '--rank', '3', '--time-tokens', '20', '--first-time-id', String(smallIds.reserved)],
  ...more,
];
/** The first logits of `tal decode` with these options. */
const logitsOf = async (...options: string[]): Promise<Float32Array> => {
  const prompt = save('prompt.json', '[3, 1, 4, 1, 5]');
  const logits = inFolder('logits.npy');
  const result = await run([
    ...['decode', '--model', model, '--prompt-ids', prompt, '--json', inFolder('out.json')],
    ...['--gen-length', '4', '--logits', logits, ...options],
  ]);
  assert.equal(result.status, 0, result.stderr);
  return toFloat32(readNpy(readFileSync(logits), 'logits.npy')) as Float32Array;
};

describe('tal train lora and tal decode', () => {
  before(async () => {
    mkdirSync(model);
    await writeRandomCheckpoint(model, config, { names: 'llada' });
    writeTokenizer(model);
    const result = await run(trainArgs('adapter'));
    assert.equal(result.status, 0, result.stderr);
  });

  it('write an adapter as PEFT does, and decode with it', async () => {
    const written = JSON.parse(readFileSync(join(inFolder('adapter'), 'adapter_config.json'), 'utf8'));
    assert.equal(written.base_model_name_or_path, model);
    assert.deepEqual([written.r, written.lora_alpha, written.target_modules.length], [3, 6, 7]);
    const [without, adapted] = [await logitsOf(), await logitsOf('--lora', inFolder('adapter'))];
    const error = relativeError(adapted, without);
    assert.ok(error > 1e-6 && error < 0.5, `changed by ${error}`);
  });

  it('learn over matrices in 4 bits, for these or for others', async () => {
    const few = ['--weights', 'int4'];
    const trained = await run(trainArgs('few', ...few));
    assert.equal(trained.status, 0, trained.stderr);
    for (const weights of [few, []]) {
      const [without, adapted] = [
        await logitsOf(...weights),
        await logitsOf('--lora', inFolder('few'), ...weights),
      ];
      const error = relativeError(adapted, without);
      assert.ok(error > 1e-6 && error < 0.5, `changed by ${error}`);
    }
  });

  it('say where there is no adapter', async () => {
    const result = await run([
      ...['decode', '--model', model, '--prompt-ids', save('one.json', '[1]'), '--gen-length', '4'],
      ...['--json', inFolder('out.json'), '--lora', inFolder('nowhere')],
    ]);
    assertRefused(result, /nowhere.*adapter_config\.json/);
  });

  it('refuse to go on with other settings, and what the model cannot read', async () => {
    assertRefused(await run(trainArgs('adapter', '--alpha', '5')), /other settings.*another folder/s);
    assertRefused(
      await run(trainArgs('new', '--layers', 'w_proj')),
      /no linear layer w_proj; its layers are q_proj/,
    );
    assertRefused(
      await run(trainArgs('new', '--first-time-id', '2000')),
      /question 1 of .*questions\.jsonl has token 20\d\d, the model has a vocabulary of 1032/,
    );
    const data = async (answer: string) =>
      await run(trainArgs('new', '--data', save('bad.jsonl', JSON.stringify({ question: 'a', answer }))));
    assertRefused(await data('a'.repeat(400)), /question 1 .* has \d+ tokens, the model has 400 positions/);
    assertRefused(await data('<1>'), /line 1: the answer has times/);
    assertRefused(await run(trainArgs('new', '--data', save('empty.jsonl', ''))), /holds no question/);
  });

  it('refuse questions about videos: no frames are shown', async () => {
    const looking = inFolder('looking');
    await writeVideoCheckpoint(looking);
    const lora = async (model: string, name: string, content: object) =>
      await run(trainArgs(`of ${name}`, '--model', model, '--data', save(name, JSON.stringify(content))));
    const written = { question: 'Who?', answer: 'ju' };
    const timed = { question: 'When?', answer: '<1> <2>', duration: 9 };
    const rtl = { v_a: { duration: 20, QA: [{ q: 'When?', a: '<2> <4.5>' }] } };
    for (const folder of [model, looking]) {
      assertRefused(
        await lora(folder, 'rtl.json', rtl),
        /question 1 of .*rtl\.json names "v_a": .*no frames/,
      );
      assertRefused(await lora(folder, 'video.jsonl', { ...written, video: 'a.mp4' }), /names "a\.mp4"/);
      assertRefused(
        await lora(folder, 'mark.jsonl', { ...written, question: '<image>\nWho?' }),
        /has the mark <image>/,
      );
    }
    assertRefused(await lora(looking, 'timed.jsonl', timed), /has times of a video.*vision encoder/);
    const trained = await lora(looking, 'text.jsonl', written);
    assert.equal(trained.status, 0, trained.stderr);
    const told = await lora(model, 'told.jsonl', { ...timed, duration: 1.5 });
    assert.equal(told.status, 0, told.stderr);
    assert.match(told.stderr, /1 of 1 answers have times: the model sees no video/);
    assert.match(told.stderr, /1 of 1 answers have times after the end of their video/);
  });
});
