import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { relativeError } from '../../cases/support/host.js';
import { toFloat32 } from '../../src/data/formats/array.js';
import { openSafetensors } from '../../src/data/formats/safetensors.js';
import { HostRandom } from '../../src/data/host-random.js';
import { assertRefused } from '../support/refused.js';
import { stoppedRun } from '../support/stopped-run.js';
import { tal, talPath } from '../support/tal.js';

const folder = mkdtempSync(join(tmpdir(), 'tal-train-cli-'));
after(() => rmSync(folder, { recursive: true }));
const inFolder = (name: string) => join(folder, name);

/** Seconds of each recording; the second is shorter than the model's window of 96 s. */
const lengths = [130, 40];
const rate = 50;

interface Query {
  qid: number;
  vid: string;
  excerpt: [number, number];
  duration: number;
  query: string;
  kind: string;
  relevant_windows: [number, number][];
}

const queries: Query[] = [
  {
    qid: 0,
    vid: 'exp01_user01',
    excerpt: [10, 106],
    duration: 96,
    query: 'the person walks',
    kind: 'single',
    relevant_windows: [[20, 40]],
  },
  {
    qid: 1,
    vid: 'exp02_user02',
    excerpt: [0, 40],
    duration: 40,
    query: 'someone sits down for the second time',
    kind: 'ordinal',
    relevant_windows: [[5, 12.5]],
  },
  {
    qid: 2,
    vid: 'exp01_user01',
    excerpt: [30, 126],
    duration: 96,
    query: 'a person frobnicates after walking',
    kind: 'relation',
    relevant_windows: [[70, 96]],
  },
];

/** A folder of recordings with those queries, as a file of the split `train`. */
function makeData(name: string, asked: readonly Query[] = queries): string {
  const data = inFolder(name);
  mkdirSync(data, { recursive: true });
  const random = new HostRandom(1);
  const samples = lengths.map((seconds) => seconds * rate);
  const rows = samples.reduce((a, b) => a + b);
  const recordings = samples.map((count, i) => ({
    exp: i + 1,
    user: i + 1,
    split: 'train',
    samples: count,
    offset: i === 0 ? 0 : samples[0],
    segments: [[1, 0, count]],
  }));
  const header = {
    rate_hz: rate,
    channels: ['acc_x', 'acc_y', 'acc_z', 'gyro_x', 'gyro_y', 'gyro_z'],
    scale: Array(6).fill(1e-3),
    classes: ['WALKING'],
    recordings,
  };
  writeFileSync(join(data, 'made.json'), JSON.stringify(header));
  const signal = Int16Array.from({ length: rows * 6 }, () => random.integer(-2000, 2000));
  writeFileSync(join(data, 'made_i16.bin'), new Uint8Array(signal.buffer));
  writeFileSync(
    join(data, 'queries-train.jsonl'),
    asked.map((query) => `${JSON.stringify(query)}\n`).join(''),
  );
  return data;
}

const run = (args: string[]) => tal(args, folder);

const trainArgs = (out: string, data = 'data') => [
  ...['train', 'hapt', '--data', inFolder(data), '--out', inFolder(out)],
  ...['--steps', '4', '--batch', '2'],
];

const weightsOf = (name: string) => readFileSync(join(inFolder(name), 'model.safetensors'));

describe('tal train hapt and tal evaluate model', () => {
  before(async () => {
    makeData('data');
    const result = await run(trainArgs('whole'));
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stderr, /words without a vector: frobnicates/);
  });

  it('train the same model after a kill and an interruption', async () => {
    const stopped = (signal: NodeJS.Signals) =>
      stoppedRun([talPath, ...trainArgs('stopped')], inFolder('stopped/log.jsonl'), signal, folder);
    await stopped('SIGKILL');
    const status = await stopped('SIGINT');
    assert.ok(status === 130 || status === 0, String(status));
    const result = await run(trainArgs('stopped'));
    assert.equal(result.status, 0, result.stderr);
    assert.ok(weightsOf('stopped').equals(weightsOf('whole')));
  });

  it('refuse to go on with other settings, and say how', async () => {
    assertRefused(await run([...trainArgs('whole'), '--seed', '2']), /other settings.*another folder/s);
  });

  it('evaluate, with recalls by kind and those of the prior, and write the moments', async () => {
    const result = await run([
      ...['evaluate', 'model', '--model', inFolder('whole'), '--data', inFolder('data'), '--split', 'train'],
      ...['--set', 'steps=2', '--json', inFolder('metrics.json'), '--predictions', inFolder('found.jsonl')],
    ]);
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stdout, /model, 3[\s\S]*ordinal[\s\S]*prior/);
    const metrics = JSON.parse(readFileSync(inFolder('metrics.json'), 'utf8'));
    for (const table of [metrics, metrics.kinds.single, metrics.prior, metrics.prior.kinds.relation]) {
      for (const name of ['R1@0.3', 'R1@0.5', 'R1@0.7', 'R1@0.9', 'R5@0.5', 'R5@0.7', 'mIoU']) {
        assert.ok(table[name] >= 0 && table[name] <= 100, name);
      }
    }
    // The prior has seen these very sentences.
    assert.equal(metrics.prior['R1@0.9'], 100);
    const lines = readFileSync(inFolder('found.jsonl'), 'utf8').trim().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).qid),
      [0, 1, 2],
    );
    // The excerpt of 40 s ends where it ends, not with the window.
    for (const [start, end] of JSON.parse(lines[1]!).pred_relevant_windows) {
      assert.ok(0 <= start && start < end && end <= 40.5, `${start} - ${end}`);
    }
  });

  it('say what is wrong with queries and checkpoints', async () => {
    const refused = async (change: Partial<Query>, message: RegExp) => {
      const data = makeData('bad', [queries[0]!, { ...queries[1]!, ...change }]);
      assertRefused(await run(trainArgs('bad-out', 'bad')), message);
      return data;
    };
    await refused({ relevant_windows: [[12, 5]] }, /queries-train\.jsonl.*2.*relevant_windows/s);
    await refused({ relevant_windows: [[30, 41]] }, /not within the excerpt/);
    await refused({ excerpt: [0, 45], duration: 45 }, /not within exp02_user02, 40 s long/);
    await refused({ query: '  ' }, /query is " {2}", not a string/);
    await refused({ vid: 'exp09_user09' }, /no recording of the folder/);
    makeData(
      'bad',
      queries.map((query) => ({ ...query, relevant_windows: [] })),
    );
    assertRefused(
      await run(trainArgs('bad-out', 'bad')),
      /no query of the split train of bad has a moment to learn from/,
    );

    const evaluate = (model: string) =>
      run(['evaluate', 'model', '--model', inFolder(model), '--data', inFolder('data'), '--split', 'train']);
    const damage = async (name: string, file: string, change: (bytes: Buffer) => Buffer) => {
      mkdirSync(inFolder(name), { recursive: true });
      for (const part of ['config.json', 'model.safetensors', 'prior.json']) {
        const bytes = readFileSync(join(inFolder('whole'), part));
        writeFileSync(join(inFolder(name), part), part === file ? change(bytes) : bytes);
      }
      return evaluate(name);
    };
    assertRefused(
      await damage('cut', 'model.safetensors', (bytes) => bytes.subarray(0, bytes.length - 100)),
      /model\.safetensors/,
    );
    const nan = await damage('nan', 'model.safetensors', (bytes) => {
      bytes.fill(0xff, bytes.length - 40);
      return bytes;
    });
    assertRefused(nan, /NaN or infinity: the file is damaged/);
    const other = await damage('other', 'config.json', (bytes) =>
      Buffer.from(bytes.toString().replace('"kernel": 5,\n      "groups"', '"kernel": 4,\n      "groups"')),
    );
    assertRefused(other, /config\.json: .*decoder\.kernel must be odd/);
    assertRefused(await evaluate('nowhere'), /nowhere/);
    for (const setting of ['steps=3', 'architecture=wtal'])
      assertRefused(
        await run([...trainArgs('bad-out', 'data'), '--set', setting]),
        /begins with model or training/,
      );
  });
});

describe('tal train hapt-mdvlm-tiny and tal evaluate model', () => {
  const mdvlmArgs = (out: string, data: string, ...set: string[]) => [
    ...['train', 'hapt-mdvlm-tiny', '--data', inFolder(data), '--out', inFolder(out)],
    ...['--steps', '2', '--batch', '2', ...set.flatMap((setting) => ['--set', setting])],
  ];
  const evaluate = (...more: string[]) =>
    run([
      ...['evaluate', 'model', '--model', inFolder('answers'), '--data', inFolder('data')],
      ...['--split', 'train', ...more],
    ]);

  before(async () => {
    makeData('data');
    const trained = await run(mdvlmArgs('answers', 'data'));
    assert.equal(trained.status, 0, trained.stderr);
  });

  it('train a model that answers, with metrics by kind and those of the prior', async () => {
    const result = await evaluate(
      ...['--json', inFolder('answers.json'), '--predictions', inFolder('answers.jsonl')],
      ...['--set', 'revise=0.4'],
    );
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stdout, /model, 3[\s\S]*ordinal[\s\S]*prior/);
    const metrics = JSON.parse(readFileSync(inFolder('answers.json'), 'utf8'));
    for (const table of [metrics, metrics.kinds.single, metrics.prior, metrics.prior.kinds.relation]) {
      for (const name of ['mIoU', 'P@0.5', 'P@0.7', 'R1@0.5', 'R1@0.7']) {
        assert.ok(table[name] >= 0 && table[name] <= 100, name);
      }
    }
    assert.equal(metrics.prior['P@0.7'], 100);
    for (const line of readFileSync(inFolder('answers.jsonl'), 'utf8').trim().split('\n')) {
      const { qid, pred_relevant_windows: windows } = JSON.parse(line);
      assert.equal(windows.length, 1);
      const [start, end] = windows[0];
      assert.ok(0 <= start && start <= end && end <= queries[qid]!.duration, line);
    }
    assertRefused(await evaluate('--set', 'step=3'), /did you mean steps/);
  });

  it('begin with the weights and the words of another model, for another objective or order', async () => {
    const weights = async (name: string) => {
      const file = await openSafetensors(readFileSync(join(inFolder(name), 'model.safetensors')));
      return toFloat32(await file.read('model.embed_tokens.weight'));
    };
    const from = ['--from', inFolder('answers')];
    const still = [...from, '--learning-rate', '1e-9', '--seed', '5'];
    makeData('other', [{ ...queries[0]!, query: 'the person strolls' }]);
    for (const [name, data, setting] of [
      ['from-uniform', 'data', 'training.objective=uniform'],
      ['from-autoregressive', 'other', 'model.order=autoregressive'],
    ] as const) {
      const trained = await run([...mdvlmArgs(name, data, setting), ...still]);
      assert.equal(trained.status, 0, trained.stderr);
      const unknown = /words that the model of --from does not know: strolls/.test(trained.stderr);
      assert.equal(unknown, data === 'other', trained.stderr);
      const [begun, base] = [await weights(name), await weights('answers')];
      assert.ok(relativeError(begun, base) < 1e-6);
    }
    const file = JSON.parse(readFileSync(join(inFolder('from-autoregressive'), 'config.json'), 'utf8'));
    assert.equal(file.model.order, 'autoregressive');
    const into = mdvlmArgs('nothing', 'data');
    assertRefused(await run([...into, '--from', inFolder('nowhere')]), /nowhere.*config\.json/);
    assertRefused(await run([...into, ...from, '--set', 'model.times=9']), /shape|must have/);
  });

  it('refuse to go on with another objective, settings that do not fit, and what a folder does not hold', async () => {
    const uniform = 'training.objective=uniform';
    assertRefused(await run(mdvlmArgs('answers', 'data', uniform)), /other settings.*another folder/s);
    assertRefused(await run(mdvlmArgs('nothing', 'data', 'training.objective=iou')), /training\.objective/);
    assertRefused(
      await run(mdvlmArgs('nothing', 'data', uniform, 'training.rewardSamples=4')),
      /needs .*\+iou/,
    );
    assertRefused(
      await run(mdvlmArgs('nothing', 'data', 'model.encoder.recognition.classes=0')),
      /recognition\.classes/,
    );
    const path = join(inFolder('answers'), 'config.json');
    const file = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify({ ...file, model: { ...file.model, times: 0 } }));
    assertRefused(await evaluate(), /config\.json: .*times must be an integer/);
  });
});
