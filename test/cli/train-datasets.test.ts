import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { zipSync } from 'fflate';
import { writeNpy } from '../../src/data/formats/npy.js';
import { HostRandom } from '../../src/data/host-random.js';
import { sentenceOfLabel } from '../../src/models/map-diffusion/label-sentences.js';
import { type Content, madeFolders } from '../support/dataset-folder.js';
import { hdf5Bytes } from '../support/hdf5.js';
import { missing, sharedData } from '../support/shared-data.js';
import { stoppedRun } from '../support/stopped-run.js';
import { tal, talPath } from '../support/tal.js';

// Published annotations of a few videos, with made-up features in the shapes of those that models are trained on: one command
// trains, also after it was killed, another one evaluates.

const makeFolder = madeFolders('tal-train-datasets');
const models = mkdtempSync(join(tmpdir(), 'tal-train-datasets-models-'));
after(() => rmSync(models, { recursive: true, force: true }));

/** A model so narrow that a step takes a part of a second. */
const narrow = [
  ...['hidden=16', 'words.size=100', 'words.hidden=8', 'words.layers=1'],
  ...['layout.clips=32', 'layout.scales=2', 'layout.durations=8'],
  ...['decoder.embedding=8', 'decoder.hidden=16', 'decoder.kernel=3', 'decoder.groups=4'],
].flatMap((setting) => ['--set', `model.${setting}`]);

/** CG-DETR so narrow. */
const narrowDetr = [
  ...['longest=96', 'network.width=16', 'network.heads=2', 'network.intermediate=16'],
  ...['network.encoderLayers=1', 'network.decoder.layers=1', 'network.interaction.layers=1'],
].flatMap((setting) => ['--set', `model.${setting}`]);

async function run(args: readonly string[]) {
  const { status, stdout, stderr } = await tal(args, models);
  assert.equal(status, 0, `${args.join(' ')}\n${stdout}${stderr}`);
  return { stdout, stderr };
}

const steps = 6;

interface LogLine {
  readonly step: number;
  readonly loss: number;
  readonly validation?: Readonly<Record<string, number>>;
}

const logOf = (folder: string): LogLine[] =>
  readFileSync(join(folder, 'log.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as LogLine);

interface TrainAndEvaluate {
  readonly train?: readonly string[];
  readonly evaluate?: readonly string[];
  readonly split?: string;
  /** What makes the model small. */
  readonly size?: readonly string[];
}

/** Kills a training in its steps, lets it end, and evaluates what comes of it. */
async function trainAndEvaluate(
  name: string,
  recipe: string,
  data: string,
  { train = [], evaluate = [], split = 'test', size = narrow }: TrainAndEvaluate,
) {
  const out = join(models, name);
  const settings = [...size, '--steps', String(steps), '--batch', '2', ...train];
  const training = ['train', recipe, '--data', data, '--out', out, ...settings];
  await stoppedRun([talPath, ...training], join(out, 'log.jsonl'), 'SIGKILL', models);
  const { stderr } = await run(training);
  const losses = logOf(out).filter(({ validation }) => validation === undefined);
  assert.deepEqual(
    losses.map(({ step }) => step),
    Array.from({ length: steps }, (_, i) => i + 1),
  );
  for (const { loss } of losses) assert.ok(Number.isFinite(loss) && loss > 0, String(loss));
  return { out, warnings: stderr, metrics: await evaluated(out, data, split, evaluate) };
}

async function evaluated(
  model: string,
  data: string,
  split: string,
  more: readonly string[],
): Promise<Record<string, number>> {
  const json = `${model}.json`;
  await run([
    'evaluate',
    'model',
    '--model',
    model,
    '--data',
    data,
    '--split',
    split,
    '--json',
    json,
    ...more,
  ]);
  return JSON.parse(readFileSync(json, 'utf8')) as Record<string, number>;
}

function assertRecalls(metrics: Record<string, number>): void {
  for (const name of ['R1@0.3', 'R1@0.5', 'R1@0.7', 'R5@0.5', 'R5@0.7', 'mIoU']) {
    assert.ok(metrics[name]! >= 0 && metrics[name]! <= 100, `${name} ${metrics[name]}`);
  }
}

const random = new HostRandom(1);

/** Features [rows, channels]. */
const made = (rows: number, channels: number) => ({
  shape: [rows, channels],
  data: Float32Array.from({ length: rows * channels }, () => random.uniform(-1, 1)),
});

const npy = ({ shape, data }: ReturnType<typeof made>): Uint8Array => writeNpy(data, shape);
const npz = (features: ReturnType<typeof made>): Uint8Array => zipSync({ 'features.npy': npy(features) });

/** Made-up vectors of these words in GloVe's format. */
const vectorsOf = (...words: string[]): string =>
  words.map((word) => `${word} ${[...made(1, 100).data].map((x) => x.toFixed(4)).join(' ')}\n`).join('');

const textOf = (path: string): string => readFileSync(sharedData(path), 'utf8');
const jsonOf = <T>(path: string): T => JSON.parse(textOf(path)) as T;

/** The lines of a file about its first `count` videos. */
function linesOf(path: string, count: number, videoOf: (line: string) => string): string[] {
  const lines = textOf(path).trim().split('\n');
  const videos = new Set([...new Set(lines.map(videoOf))].slice(0, count));
  return lines.filter((line) => videos.has(videoOf(line)));
}

describe('tal train and tal evaluate model on published data sets', () => {
  const charades = 'charades_sta';
  it('Charades-STA, features in HDF5 and in .npy', { skip: missing(charades) }, async () => {
    const videoOf = (line: string) => line.split(' ')[0]!;
    const lengths = jsonOf<Record<string, { length: number }>>(`${charades}/charades_v1_length_actions.json`);
    const lines = (split: string, count: number) =>
      linesOf(`${charades}/charades_sta_${split}.txt`, count, videoOf);
    const [train, test] = [lines('train', 5), lines('test', 3)];
    const videos = [...new Set([...train, ...test].map(videoOf))];
    const features = Object.fromEntries(
      videos.map((id) => [id, made(Math.ceil(lengths[id]!.length / 0.64), 1024)]),
    );
    const files = {
      'charades_sta_train.txt': `${train.join('\n')}\n`,
      'charades_sta_test.txt': `${test.join('\n')}\n`,
      'lengths.json': Object.fromEntries(videos.map((id) => [id, lengths[id]!.length])),
    };
    const described = (part: object, strideSeconds = 0.64) => ({
      annotations: {
        layout: 'charades-sta',
        files: { train: 'charades_sta_train.txt', test: 'charades_sta_test.txt' },
        durations: 'lengths.json',
      },
      features: { parts: [part], timing: { strideSeconds } },
    });
    const hdf5 = makeFolder({
      ...files,
      'i3d.hdf5': await hdf5Bytes(features),
      'dataset.json': described({ file: 'i3d.hdf5', array: '{id}' }),
    });
    const { out, metrics, warnings } = await trainAndEvaluate('charades', 'charades-sta', hdf5, {
      evaluate: ['--set', 'steps=2'],
    });
    assertRecalls(metrics);
    assert.doesNotMatch(warnings, /apart/);
    // The same features in other files give the same numbers.
    const ofNpy = {
      ...files,
      ...Object.fromEntries(videos.map((id): [string, Content] => [`i3d/${id}.npy`, npy(features[id]!)])),
    };
    const same = makeFolder({ ...ofNpy, 'dataset.json': described({ file: 'i3d/{id}.npy' }) });
    assert.deepEqual(await evaluated(out, same, 'test', ['--set', 'steps=2']), metrics);
    const strict = ['--set', 'steps=2', '--set', 'compat=ms-2d-tan', '--rule', 'strict'];
    assertRecalls(await evaluated(out, same, 'test', strict));

    const wrong = makeFolder({ ...ofNpy, 'dataset.json': described({ file: 'i3d/{id}.npy' }, 16) });
    const { stderr } = await run([
      ...['evaluate', 'model', '--model', out, '--data', wrong, '--split', 'test', '--set', 'steps=1'],
    ]);
    assert.match(stderr, /rows of these features are 16 s apart, the model is meant for 0\.64 s/);
    assert.match(stderr, /the model sees 512 s at a time.*are the times of the features right/);
  });

  const captions = 'activitynet_captions';
  it('ActivityNet Captions, features in .npz, in bins', { skip: missing(captions) }, async () => {
    type Annotated = Record<string, { duration: number }>;
    const some = (file: string, count: number): Annotated =>
      Object.fromEntries(Object.entries(jsonOf<Annotated>(`${captions}/${file}`)).slice(0, count));
    const [train, val] = [some('train.json', 4), some('val.json', 2)];
    const data = makeFolder({
      'train.json': train,
      'val.json': val,
      ...Object.fromEntries(
        Object.entries({ ...train, ...val }).map(([id, { duration }]): [string, Content] => [
          `c3d/${id}.npz`,
          npz(made(Math.ceil(duration), 4096)),
        ]),
      ),
      'dataset.json': {
        annotations: { layout: 'activitynet-captions', files: { train: 'train.json', val: 'val.json' } },
        features: { parts: [{ file: 'c3d/{id}.npz' }], timing: { strideSeconds: 1 } },
      },
    });
    const { metrics } = await trainAndEvaluate('activitynet', 'activitynet', data, {
      split: 'validation',
      evaluate: ['--set', 'steps=2'],
    });
    assertRecalls(metrics);
  });

  const highlights = 'qvhighlights';
  it('QVHighlights as it is distributed, SlowFast and CLIP', { skip: missing(highlights) }, async () => {
    const videoOf = (line: string) => (JSON.parse(line) as { vid: string }).vid;
    const lines = (split: string, count: number) =>
      linesOf(`${highlights}/highlight_${split}_release.jsonl`, count, videoOf);
    const [train, val] = [lines('train', 4), lines('val', 2)];
    const videos = [...new Set([...train, ...val].map(videoOf))];
    const data = makeFolder({
      'highlight_train_release.jsonl': `${train.join('\n')}\n`,
      'highlight_val_release.jsonl': `${val.join('\n')}\n`,
      ...Object.fromEntries(
        videos.flatMap((id): [string, Content][] => [
          [`slowfast_features/${id}.npz`, npz(made(75, 2304))],
          [`clip_features/${id}.npz`, npz(made(75, 512))],
        ]),
      ),
    });
    const { metrics } = await trainAndEvaluate('qvhighlights', 'qvhighlights', data, {
      split: 'val',
      evaluate: ['--set', 'steps=2'],
    });
    assertRecalls(metrics);
  });

  const youtube = 'youtube_highlights';
  it('YouTube Highlights, real features, asked by labels', { skip: missing(youtube) }, async () => {
    const all = jsonOf<Record<string, Record<string, string[]>>>(`${youtube}/splits.json`);
    const anno = jsonOf<Record<string, object>>(`${youtube}/youtube_anno.json`);
    const stored = (id: string) => existsSync(sharedData(`${youtube}/video_features/${id}_rgb.npy`));
    const own = Object.keys(all.dog!).find((name) => name !== 'train' && all.dog![name]!.some(stored))!;
    const splits = Object.fromEntries(
      ['dog', 'surfing'].map((domain) => [
        domain,
        {
          train: all[domain]!.train!.filter(stored).slice(0, 3),
          [own]: all[domain]![own]!.filter(stored).slice(0, 2),
        },
      ]),
    );
    const videos = Object.values(splits).flatMap((parts) => Object.values(parts).flat());
    const copied = (file: string): [string, Content] => [
      `video_features/${file}`,
      new Uint8Array(readFileSync(sharedData(`${youtube}/video_features/${file}`))),
    ];
    const data = makeFolder({
      'words.txt': vectorsOf('dog', 'surfing'),
      'splits.json': splits,
      'youtube_anno.json': Object.fromEntries(videos.map((id) => [id, anno[id]!])),
      ...Object.fromEntries(videos.flatMap((id) => [copied(`${id}_rgb.npy`), copied(`${id}_opt.npy`)])),
    });
    const { out, metrics } = await trainAndEvaluate('youtube', 'youtube-highlights', data, {
      split: own,
      train: ['--words', join(data, 'words.txt')],
      evaluate: ['--set', 'steps=2'],
    });
    assert.ok(metrics['average-mAP']! >= 0 && metrics['average-mAP']! <= 1);
    const { labels } = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')) as { labels: string[] };
    assert.deepEqual(labels, ['dog', 'surfing']);
  });

  const tvsum = 'tvsum';
  it('TVSum, real features, scores of clips alone', { skip: missing(tvsum) }, async () => {
    const file = join(models, 'tvsum.jsonl');
    const data = sharedData(tvsum);
    const { out, metrics } = await trainAndEvaluate('tvsum', 'cg-detr-tvsum', data, {
      ...{ split: 'validation', size: narrowDetr, evaluate: ['--predictions', file] },
      train: ['--set', 'training.validateEvery=2', '--set', 'training.best=HL-top5-mAP'],
    });
    const { domains } = metrics as unknown as { domains: Record<string, number> };
    assert.equal(Object.keys(domains).length, 10);
    const mean = Object.values(domains).reduce((sum, value) => sum + value, 0) / 10;
    assert.ok(Math.abs(metrics['HL-top5-mAP']! - mean) < 1e-9 && mean > 0 && mean < 100, `${mean}`);
    // The model is that of the best validation, which found what is evaluated now.
    const validations = logOf(out).flatMap(({ validation }) => (validation ? [validation] : []));
    assert.equal(validations.length, steps / 2);
    const best = Math.max(...validations.map((each) => each['HL-top5-mAP']!));
    assert.ok(Math.abs(best - metrics['HL-top5-mAP']!) < 1e-6, `${best}, not ${metrics['HL-top5-mAP']}`);
    assert.ok(!existsSync(join(out, 'prior.json')), 'no window is known to learn a prior of');

    const json = join(models, 'tvsum-file.json');
    const truths = ['--ground-truth', data, '--split', 'validation', '--baselines'];
    await run(['evaluate', 'highlights', '--predictions', file, ...truths, '--json', json]);
    const { baselines, ...same } = JSON.parse(readFileSync(json, 'utf8'));
    assert.deepEqual(same['HL-top5-mAP'], metrics['HL-top5-mAP']);
    assert.deepEqual(same.domains, domains);
    // Published figures that choose the epoch by these ten videos are about 87.
    assert.ok(baselines.random < 50 && baselines['best of 300 random'] > 75, JSON.stringify(baselines));
    assert.ok(baselines['mean of annotators'] > 75 && baselines['one annotator'] < 75);
  });

  const thumos = 'thumos14';
  it('THUMOS-14 as CO2-Net distributes it, asked by labels', { skip: missing(thumos) }, async () => {
    const names = ['segments', 'labels', 'labels_all', 'duration', 'extracted_fps', 'videoname', 'classlist'];
    const bytesOf = (name: string) =>
      new Uint8Array(readFileSync(sharedData(`${thumos}/co2net_${name}.npy`)));
    const videos = bytesTable(bytesOf('videoname'));
    const subsets = bytesTable(bytesOf('subset'));
    // All but a few videos are put into a subset that nobody reads.
    const kept = new Map<string, string>();
    for (const [subset, count] of Object.entries({ validation: 4, test: 2 })) {
      const first = videos.filter((_, i) => subsets[i] === subset).slice(0, count);
      for (const id of first) kept.set(id, subset);
    }
    const durations = new DataView(bytesOf('duration').buffer, 128);
    const classes = bytesTable(bytesOf('classlist')).map(sentenceOfLabel);
    const data = makeFolder({
      'words.txt': vectorsOf(...new Set(classes.join(' ').split(' '))),
      ...Object.fromEntries(names.map((name): [string, Content] => [`co2net_${name}.npy`, bytesOf(name)])),
      'co2net_subset.npy': bytesArray(videos.map((id) => kept.get(id) ?? 'none')),
      ...Object.fromEntries(
        [...kept.keys()].map((id): [string, Content] => {
          const seconds = durations.getFloat64(8 * videos.indexOf(id), true);
          return [`i3d/${id}.npy`, npy(made(Math.max(1, Math.floor((25 * seconds) / 16)), 2048))];
        }),
      ),
      'dataset.json': {
        annotations: { layout: 'co2net', files: 'co2net_videoname.npy' },
        features: { parts: [{ file: 'i3d/{id}.npy' }], timing: { strideFrames: 16, fps: 25 } },
        words: 'words.txt',
      },
    });
    const { metrics } = await trainAndEvaluate('thumos', 'thumos14', data, {
      evaluate: ['--set', 'steps=1', '--set', 'count=3', '--thresholds', '0.3:0.1:0.7'],
    });
    assert.ok(metrics['mAP@0.30']! >= 0 && metrics['average-mAP']! <= 1);
  });
});

/** The texts of a `.npy` of NumPy's `|S`, of a header of 128 bytes. */
function bytesTable(file: Uint8Array): string[] {
  const header = new TextDecoder('latin1').decode(file.subarray(0, 128));
  const [, width, count] = /\|S(\d+)'.*\((\d+),\)/.exec(header)!.map(Number);
  const text = new TextDecoder();
  return Array.from({ length: count! }, (_, i) =>
    text.decode(file.subarray(128 + i * width!, 128 + (i + 1) * width!)).replace(/\0+$/, ''),
  );
}

function bytesArray(texts: readonly string[]): Uint8Array {
  const width = Math.max(...texts.map(({ length }) => length));
  const head = `{'descr': '|S${width}', 'fortran_order': False, 'shape': (${texts.length},), }`;
  const body = texts.map((text) => text.padEnd(width, '\0')).join('');
  return Buffer.from(`\x93NUMPY\x01\0\x76\0${head.padEnd(117)}\n${body}`, 'latin1');
}
