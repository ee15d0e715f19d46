import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { writeWorldVideo } from '../../src/cli/commands/sample.js';
import { worldSeed, worldVideo } from '../../src/data/world/world.js';
import { assertRefused } from '../support/refused.js';
import { tal, talPath, talProcess } from '../support/tal.js';
import { noVideoLibrary } from '../support/video-library.js';

const folder = mkdtempSync(join(tmpdir(), 'tal-localize-folder-'));
after(() => rmSync(folder, { recursive: true }));
const inFolder = (name: string) => join(folder, name);
const textOf = (name: string) => readFileSync(inFolder(name), 'utf8');
const idsOf = (text: string) =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line).vid);

const asked = ['localize', 'videos', '--query', 'the person waves'];
const run = (...args: string[]) => tal([...asked, ...args], folder);
const good = ['a', 'b', 'd', 'e', 'f', 'g'];

describe('tal localize FOLDER', { skip: noVideoLibrary }, () => {
  before(async () => {
    mkdirSync(inFolder('videos'));
    for (const [i, name] of ['a', 'b'].entries())
      await writeWorldVideo(inFolder(`videos/${name}.mp4`), worldVideo(worldSeed('test', i)));
    for (const name of good.slice(2)) copyFileSync(inFolder('videos/a.mp4'), inFolder(`videos/${name}.mp4`));
    writeFileSync(inFolder('videos/c.mp4'), 'no video');
    writeFileSync(inFolder('videos/notes.txt'), 'not looked at');
  });

  it('passes over a bad file, says so, and localizes the others', async () => {
    const result = await run('--out', 'whole.jsonl', '--json', 'all.json', '--format', 'activitynet');
    assert.equal(result.status, 1);
    assert.match(result.stderr, /left out: videos.c\.mp4: .*is not a video/);
    assert.match(result.stderr, /tal: 1 of 7 inputs failed/);
    assert.deepEqual(idsOf(textOf('whole.jsonl')), good);
    assert.deepEqual(Object.keys(JSON.parse(textOf('all.json')).results), good);
  });

  it('goes on where a killed run stopped, without loss or repetition', async () => {
    const child = spawn(process.execPath, [talPath, ...asked, '--out', 'killed.jsonl'], {
      cwd: folder,
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => child.on('close', resolve));
    while (child.exitCode === null && child.signalCode === null) {
      if (existsSync(inFolder('killed.jsonl')) && idsOf(textOf('killed.jsonl')).length >= 2)
        child.kill('SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await ended;
    const before = textOf('killed.jsonl');
    assert.ok(idsOf(before).length >= 2 && idsOf(before).length < good.length, before);
    // As a process leaves it that ends while it writes.
    const whole = textOf('whole.jsonl');
    appendFileSync(inFolder('killed.jsonl'), whole.slice(before.length, before.length + 40));
    const result = await run('--out', 'killed.jsonl', '--json', 'again.json', '--format', 'activitynet');
    assert.equal(result.status, 1, result.stderr);
    assert.equal(textOf('killed.jsonl'), whole);
    assert.equal(textOf('again.json'), textOf('all.json'));
  });

  it('adds nothing to what is of another query or options, or is no such file', async () => {
    const whole = textOf('whole.jsonl');
    for (const more of [
      ['--query', 'the person kicks'],
      ['--set', 'seed=3'],
    ])
      assertRefused(await run('--out', 'whole.jsonl', ...more), /line 1: of another model, query/);
    assert.equal(textOf('whole.jsonl'), whole);
    for (const [name, text] of Object.entries({ list: '{"a":1}\n', note: 'a note without a line break' })) {
      writeFileSync(inFolder(name), text);
      assertRefused(await run('--out', name), /line 1.*not written by tal localize/);
      assert.equal(textOf(name), text);
    }
  });

  it('writes lines alone to standard output', () => {
    rmSync(inFolder('videos/c.mp4'));
    const result = talProcess(asked, { cwd: folder });
    assert.equal(result.status, 0, result.stderr);
    assert.equal(result.stdout, textOf('whole.jsonl'));
  });

  it('refuses what goes with one input, and inputs of one name', async () => {
    for (const option of ['--plot', '--video-id'])
      assertRefused(await run(option, 'x.svg'), new RegExp(`${option} goes with one input`));
    assertRefused(await run('videos/a.mp4'), /a\.mp4 and .*a\.mp4 would both be "a"/);
    assertRefused(await run('--split', 'test'), /videos has no dataset\.json/);
    assertRefused(await run('--format', 'rtl'), /--format is the format of --json/);
    mkdirSync(inFolder('empty'));
    assertRefused(await run('empty'), /empty holds no video, no recording and no file of features/);
  });
});
