import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { zipSync } from 'fflate';
import { readSelfTestCases } from '../../src/cli/shared/self-test-cases.js';
import { writeNpy } from '../../src/data/formats/npy.js';
import { demoCheckpoint, demoClasses, demoVideo } from '../support/planted-video.js';
import { assertRefused } from '../support/refused.js';
import { tal, talPath, talProcess } from '../support/tal.js';
import { noVideoLibrary } from '../support/video-library.js';

const folder = mkdtempSync(join(tmpdir(), 'tal-cli-'));
after(() => rmSync(folder, { recursive: true }));

const { features, duration } = demoVideo();
const { steps, channels } = features;
const data = Float32Array.from(features.data);
const inFolder = (name: string) => join(folder, name);
const save = (name: string, bytes: Uint8Array | string): string => {
  writeFileSync(inFolder(name), bytes);
  return inFolder(name);
};
const npy = (values: Float32Array<ArrayBuffer>, shape: number[]) =>
  writeNpy({ dtype: 'f32', shape, data: values });

/** The folder of a CMCS model, with other weights or classes where they are given. */
function modelFolder(name: string, weights = demoCheckpoint(), classes: readonly string[] = demoClasses) {
  mkdirSync(inFolder(name));
  save(`${name}/model.safetensors`, weights);
  save(`${name}/config.json`, JSON.stringify({ architecture: 'cmcs', classes }));
  return inFolder(name);
}

const model = modelFolder('model');
const video = save('video.npy', npy(data, [steps, channels]));

/** The arguments of `tal localize` on the good input, changed by `options`. */
function localizeArgs(options: Record<string, string> = {}): string[] {
  const { features, ...all } = { model, features: video, duration: String(duration), ...options };
  const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
  return ['localize', features!, ...args];
}

const run = (args: readonly string[]) => tal(args, folder);
const localize = (options: Record<string, string> = {}) => run(localizeArgs(options));

describe('tal localize', () => {
  it('prints ranked segments, writes the JSON and draws the timeline', async () => {
    const result = await localize({ json: inFolder('out.json'), plot: inFolder('out.svg') });
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stdout, /best class: Running/);
    const { results } = JSON.parse(readFileSync(inFolder('out.json'), 'utf8'));
    const found = results.video as { label: string; score: number; segment: [number, number] }[];
    assert.equal(found.filter(({ label }) => label === 'Running').length, 2);
    assert.deepEqual(
      found.map(({ score }) => score).toSorted((a, b) => b - a),
      found.map(({ score }) => score),
    );
    assert.match(readFileSync(inFolder('out.svg'), 'utf8'), /^<svg[\s\S]*Sitting down/);
  });

  it('takes one of ten crops, and finds the features of a .npz', async () => {
    const crops = new Float32Array(10 * data.length).fill(1);
    crops.set(data, 3 * data.length);
    const objects = Uint8Array.from(writeNpy(Uint8Array.of(0x4e)));
    objects.set(new TextEncoder().encode('|O '), Buffer.from(objects).indexOf('|u1'));
    const members = { 'meta.npy': objects, 'feature.npy': npy(crops, [10, steps, channels]) };
    const features = save('crops.npz', zipSync(members, { level: 0 }));
    const plain = await localize();
    const result = await localize({ features, crop: '3', json: inFolder('crops.json') });
    assert.equal(result.status, 0, result.stderr);
    const table = (stdout: string) =>
      stdout.slice(stdout.indexOf('rank'), stdout.indexOf('segments written'));
    assert.equal(table(result.stdout).trim(), plain.stdout.slice(plain.stdout.indexOf('rank')).trim());
    const { results } = JSON.parse(readFileSync(inFolder('crops.json'), 'utf8'));
    assert.deepEqual(Object.keys(results), ['crops']);
  });

  it('joins files along their channels, and takes options of the model', async () => {
    const half = channels / 2;
    const part = (first: number) =>
      npy(
        Float32Array.from(
          { length: steps * half },
          (_, i) => data[Math.floor(i / half) * channels + first + (i % half)]!,
        ),
        [steps, half],
      );
    const [rgb, flow] = [save('rgb.npy', part(0)), save('flow.npy', part(half))];
    const joined = await localize({ features: `${rgb}+${flow}` });
    assert.equal(joined.status, 0, joined.stderr);
    assert.equal(joined.stdout, (await localize()).stdout);
    const strict = await localize({ set: 'thresholds=[0.9]' });
    assert.equal(strict.status, 0, strict.stderr);
    assert.notEqual(strict.stdout, joined.stdout);
    assertRefused(await localize({ set: 'treshold=1' }), /no option treshold|treshold/);
  });

  const withNaN = Float32Array.from(data);
  withNaN[3 * channels + 5] = Number.NaN;
  const lying = demoCheckpoint();
  new DataView(lying.buffer, lying.byteOffset).setBigUint64(0, 2n ** 40n, true);
  const refused: [what: string, options: Record<string, string>, message: RegExp][] = [
    ['a missing feature file', { features: 'nowhere.npy' }, /nowhere\.npy/],
    ['a missing model', { model: 'nowhere' }, /nowhere/],
    ['a query of a model of actions', { query: 'a run' }, /takes no query/],
    ['moments where actions are found', { json: 'out.json', format: 'rtl' }, /actions go with activitynet/],
    [
      'NaN features',
      { features: save('nan.npy', npy(withNaN, [steps, channels])) },
      /NaN in row 3, column 5/,
    ],
    [
      'features of the wrong rank',
      { features: save('flat.npy', npy(data, [steps * channels])) },
      /\[steps, channels\]/,
    ],
    [
      'features of the wrong width',
      { features: save('thin.npy', npy(data, [steps * 2, channels / 2])) },
      /32 channels/,
    ],
    [
      'whole numbers as features',
      { features: save('ints.npy', writeNpy({ dtype: 'i32', shape: [2, 2], data: new Int32Array(4) })) },
      /i32/,
    ],
    ['a text in the place of features', { features: save('text.npy', 'hello') }, /text\.npy/],
    [
      'a truncated checkpoint',
      { model: modelFolder('cut', demoCheckpoint().slice(0, 900)) },
      /cut.model\.safetensors/,
    ],
    ['a lying header', { model: modelFolder('lying', lying) }, /lying.model\.safetensors/],
    [
      'class names that do not fit',
      { model: modelFolder('few', demoCheckpoint(), ['a', 'b']) },
      /few.config\.json/,
    ],
    ['a folder that is not there', { json: inFolder('nowhere/out.json') }, /nowhere/],
    ['a plot of an unknown kind', { plot: inFolder('out.gif') }, /\.svg|\.html/],
    ['crops of features that have none', { crop: '3' }, /crop is 3, but .*it has no 10 crops/],
    ['an unknown crop', { crop: '10' }, /mean or a whole number from 0 to 9/],
    ['a negative duration', { duration: '-1' }, /positive/],
    ['an unknown option', { colour: 'red' }, /unknown option '--colour'/],
  ];
  for (const [what, options, message] of refused) {
    it(`refuses ${what}`, async () => assertRefused(await localize(options), message));
  }

  it('says which package to install where there is no adapter', () => {
    const result = talProcess(localizeArgs(), {
      cwd: folder,
      env: { VK_DRIVER_FILES: '/dev/null', VK_ADD_DRIVER_FILES: '' },
    });
    assertRefused(result, /mesa-vulkan-drivers/);
  });

  it('refuses an unknown kind of adapter', () => {
    assertRefused(talProcess(localizeArgs(), { cwd: folder, env: { TAL_ADAPTER: 'quantum' } }), /quantum/);
  });

  it('keeps an earlier result when a run fails', async () => {
    const json = save('kept.json', 'earlier');
    assertRefused(await localize({ json, features: inFolder('nan.npy') }), /NaN/);
    assert.equal(readFileSync(json, 'utf8'), 'earlier');
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith('.tmp')),
      [],
    );
  });

  it('leaves a folder in the place of the output alone', async () => {
    mkdirSync(inFolder('taken'));
    assertRefused(await localize({ json: inFolder('taken') }), /taken/);
    assert.ok(existsSync(inFolder('taken')));
  });
});

describe('tal', () => {
  it('demo finds the moment of a sentence in a video file, and shows how', {
    skip: noVideoLibrary,
  }, async () => {
    const result = await run(['demo', '--plot', inFolder('demo.html')]);
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stdout, /query: ".+"[\s\S]*1\. .* score /);
    const overlap = Number(/truth: .* IoU of the first (\d\.\d\d)/.exec(result.stdout)?.[1]);
    assert.ok(overlap >= 0.5, `the shipped model finds the moment: ${result.stdout}`);
    const page = readFileSync(inFolder('demo.html'), 'utf8');
    assert.match(page, /^<!doctype html>[\s\S]*<\/html>\s*$/);
    assert.match(page, /after 50 of 50 steps/);
  });

  it('demo and localize refuse what is not there', { skip: noVideoLibrary }, async () => {
    assertRefused(await run(['demo', '--query', '99']), /has the queries 0 to/);
    const moments = async (video: string, query: string) => await run(['localize', video, '--query', query]);
    assertRefused(await moments(inFolder('none.mp4'), 'the person waves'), /none\.mp4/);
    assertRefused(await moments(save('no.mp4', 'no video'), 'the person waves'), /no\.mp4 is not a video/);
    assertRefused(await run(['localize', inFolder('none.mp4')]), /none\.mp4/);
  });

  it('doctor tells what a model takes, and refuses sizes that it does not have', async () => {
    const json = join(folder, 'plan.json');
    const { status, stdout } = await run(['doctor', '--model', 'llada-8b', '--answer', '64', '--json', json]);
    assert.equal(status, 0, stdout);
    assert.match(stdout, /parameters +8\.016 B[\s\S]*fits 24 GB[\s\S]*this adapter: .+[\s\S]*int4 +\S/);
    const plan = JSON.parse(readFileSync(json, 'utf8'));
    assert.deepEqual(plan.sizes, { frames: 0, prompt: 128, answer: 64 });
    assert.ok(plan.storages.int4.total < plan.storages.f16.total);
    assertRefused(await run(['doctor', '--model', 'llada-8b', '--frames', '1']), /no vision encoder/);
    assertRefused(await run(['doctor', '--model', 'llada']), /Allowed choices are llada-8b, llada-v-8b/);
  });

  it('doctor tells of the adapter before its tests, and ends at once when it is interrupted', async () => {
    const child = spawn(process.execPath, [talPath, 'doctor'], {
      cwd: folder,
      // Every kernel is compiled anew.
      env: { ...process.env, MESA_SHADER_CACHE_DISABLE: 'true' },
    });
    let stdout = '';
    child.stdout.on('data', (part) => {
      stdout += part;
      if (/^ {2}attention .* ok/m.test(stdout)) child.kill('SIGINT');
    });
    const status = await new Promise((resolve) => child.on('close', resolve));
    assert.equal(status, 130);
    assert.match(stdout, /^ {2}adapter .*[\s\S]*self-test of every kernel/);
    assert.doesNotMatch(stdout, /kernels right/);
  });

  it('doctor --quick tests one kernel of each operation', async () => {
    const { status, stdout } = await run(['doctor', '--quick']);
    assert.equal(status, 0, stdout);
    const lines = stdout.split('\n').filter((line) => / ok$/.test(line));
    const cases = await readSelfTestCases();
    assert.equal(lines.length, new Set(cases.map(({ operation }) => operation)).size);
    for (const line of lines) assert.match(line, /^ {2}\w+ +\w+ ok$/);
    assert.match(stdout, /the tested kernels are right/);
  });

  it('doctor finds every kernel right', async () => {
    const result = await run(['doctor']);
    assert.equal(result.status, 0, result.stdout);
    assert.match(result.stdout, /all kernels right/);
  });
});
