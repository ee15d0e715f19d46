import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { openVideo } from '../../src/data/video/video.js';
import { worldSeed, worldVideo } from '../../src/data/world/world.js';
import { tal, talProcess } from '../support/tal.js';
import { noVideoLibrary } from '../support/video-library.js';

const folder = mkdtempSync(join(tmpdir(), 'tal-sample-'));
after(() => rmSync(folder, { recursive: true }));

const sample = (args: string[]) => tal(['sample', ...args], folder);

/** A start of Node in which a package cannot be found. */
function without(name: string): string[] {
  const hook = `export async function resolve(specifier, context, next) {
    if (specifier.startsWith(${JSON.stringify(name)})) throw new Error('Cannot find package ' + specifier);
    return next(specifier, context);
  }`;
  const address = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;
  return [
    '--import',
    address(`import { register } from 'node:module'; register(${JSON.stringify(address(hook))});`),
  ];
}

describe('tal sample', () => {
  it('writes videos that play, and queries about them', { skip: noVideoLibrary }, async () => {
    const result = await sample(['--out', 'new/videos', '--count', '2', '--seed', '41']);
    assert.equal(result.status, 0, result.stderr);
    const out = join(folder, 'new/videos');
    assert.deepEqual(readdirSync(out).toSorted(), ['queries.jsonl', 'video-0041.mp4', 'video-0042.mp4']);
    const lines = readFileSync(join(out, 'queries.jsonl'), 'utf8').trimEnd().split('\n');
    const videos = [41, 42].map((index) => worldVideo(worldSeed('test', index)));
    const expected = videos
      .flatMap(({ duration, queries }, i) =>
        queries.map(({ query, kind, span }) => ({ vid: `video-00${41 + i}`, duration, query, kind, span })),
      )
      .map(({ span, ...rest }, qid) => ({ qid, ...rest, relevant_windows: [[...span]] }));
    assert.deepEqual(
      lines.map((line) => JSON.parse(line)),
      expected,
    );
    for (const [i, { duration }] of videos.entries()) {
      const video = await openVideo(join(out, `video-00${41 + i}.mp4`));
      assert.deepEqual([video.duration, video.width, video.height], [duration, 128, 96]);
      await video.close();
    }
  });

  const refused: [what: string, args: string[], message: RegExp][] = [
    ['no folder', [], /--out/],
    ['a count of none', ['--out', 'x', '--count', '0'], /an integer of at least 1/],
    ['half a video', ['--out', 'x', '--count', '1.5'], /an integer of at least 1/],
    ['a negative seed', ['--out', 'x', '--seed', '-1'], /an integer from 0 to 1073741823/],
    [
      'a seed beyond the split',
      ['--out', 'x', '--seed', String(2 ** 30)],
      /--seed[\s\S]*from 0 to 1073741823/,
    ],
    [
      'videos beyond the split',
      ['--out', 'x', '--seed', String(2 ** 30 - 2)],
      /--seed and --count must name/,
    ],
    ['an unknown option', ['--out', 'x', '--colour', 'red'], /unknown option/],
  ];
  for (const [what, args, message] of refused) {
    it(`refuses ${what}`, async () => {
      const { status, stderr } = await sample(args);
      assert.equal(status, 1);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n\s+at /);
      assert.ok(!existsSync(join(folder, 'x')));
    });
  }

  it('refuses a folder that cannot be', { skip: noVideoLibrary }, async () => {
    writeFileSync(join(folder, 'file'), '');
    const { status, stderr } = await sample(['--out', 'file/in']);
    assert.equal(status, 1);
    assert.match(stderr, /^tal: Cannot write file\/in/);
  });

  for (const name of ['mediabunny', '@napi-rs/webcodecs']) {
    it(`says what to install where ${name} is missing`, () => {
      const { status, stderr } = talProcess(['sample', '--out', 'x'], { cwd: folder }, without(name));
      assert.equal(status, 1);
      assert.match(stderr, /^tal: .*npm install mediabunny @napi-rs\/webcodecs/m);
      assert.doesNotMatch(stderr, /\n\s+at /);
      assert.ok(!existsSync(join(folder, 'x')));
    });
  }
});
