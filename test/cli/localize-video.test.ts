import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { writeWorldVideo } from '../../src/cli/commands/sample.js';
import { worldSeed, worldVideo } from '../../src/data/world/world.js';
import { TimeTokens } from '../../src/models/mdvlm/time-tokens.js';
import { MASK_MARK } from '../../src/models/mdvlm/video/answer-video.js';
import { videoMdvlmConfigs } from '../../src/models/mdvlm/video/video-config.js';
import { assertRefused } from '../support/refused.js';
import { smallIds } from '../support/small-tokenizer.js';
import { tal, talProcess } from '../support/tal.js';
import { writeSayingCheckpoint } from '../support/video-checkpoint.js';
import { noVideoLibrary } from '../support/video-library.js';

const folder = mkdtempSync(join(tmpdir(), 'tal-localize-video-'));
after(() => rmSync(folder, { recursive: true }));
const inFolder = (name: string) => join(folder, name);

const run = (...args: (string | number)[]) => tal(args.map(String), folder);

const { reserved, eot, jump } = smallIds;
const times = new TimeTokens(videoMdvlmConfigs.tiny.times);

describe('tal localize VIDEO', { skip: noVideoLibrary }, async () => {
  const world = worldVideo(worldSeed('test', 0));
  const { duration } = world;
  if (!noVideoLibrary) await writeWorldVideo(inFolder('clip.mp4'), world);
  const acting = await writeSayingCheckpoint(inFolder('acting'), [jump, reserved + 10, reserved + 60, eot]);
  const silent = await writeSayingCheckpoint(inFolder('silent'), [jump, eot]);
  const span = [times.decode(10, duration), times.decode(60, duration)] as const;

  it('streams the answer, prints its spans, writes JSON and picture', () => {
    const files = ['--json', 'out.json', '--format', 'activitynet', '--plot', 'out.svg'];
    const result = talProcess(
      ['localize', 'clip.mp4', '--query', 'a wave', '--model', acting, ...['--set', 'length=8'], ...files],
      { cwd: folder },
    );
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stderr, new RegExp(`step 1: jump${MASK_MARK}{7}\n`));
    assert.match(result.stderr, /step 4: jump<t10><t60>\n/);
    assert.match(result.stdout, /answer about .*: jump<t10><t60>/);
    assert.match(result.stdout, new RegExp(`a wave +1\\.000 +${span[0].toFixed(2)} +${span[1].toFixed(2)}`));
    const [found] = JSON.parse(readFileSync(inFolder('out.json'), 'utf8')).results.clip;
    assert.deepEqual([found.label, found.segment], ['a wave', [...span]]);
    assert.match(readFileSync(inFolder('out.svg'), 'utf8'), /^<svg[\s\S]*a wave; acting/);
  });

  it('names actions, which tal evaluate detection scores', async () => {
    const args = ['--model', acting, '--set', 'length=8', '--json', 'actions.json'];
    const result = await run('localize', 'clip.mp4', ...args);
    assert.equal(result.status, 0, result.stderr);
    const truth = (segment: readonly number[]) => ({
      database: { clip: { subset: 'validation', duration, annotations: [{ label: 'jump', segment }] } },
    });
    const map = async (segment: readonly number[]) => {
      writeFileSync(inFolder('truth.json'), JSON.stringify(truth(segment)));
      const scored = await run(
        'evaluate',
        'detection',
        '--predictions',
        'actions.json',
        '--ground-truth',
        'truth.json',
        '--json',
        'map.json',
      );
      assert.equal(scored.status, 0, scored.stderr);
      return Math.max(...Object.values<number>(JSON.parse(readFileSync(inFolder('map.json'), 'utf8'))));
    };
    const least = await map([0, 1]);
    assert.equal(least, 0);
    assert.ok((await map(span)) > 0.99);
  });

  it('says where an answer has no times: the whole video stands for it', async () => {
    const result = await run(
      'localize',
      'clip.mp4',
      '--question',
      'When is it?',
      '--model',
      silent,
      ...['--set', 'length=4'],
      ...['--json', 'silent.json', '--format', 'activitynet'],
    );
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stdout, /names no two times: the whole video/);
    assert.deepEqual(JSON.parse(readFileSync(inFolder('silent.json'), 'utf8')).results.clip, [
      { label: 'When is it?', score: 0, segment: [0, duration] },
    ]);
  });

  it('decodes as it is told to', async () => {
    const set = (...options: string[]) => options.flatMap((option) => ['--set', option]);
    const sizes = set('length=8', 'blockLength=4', 'steps=8', 'cache=dual');
    const drawn = set('temperature=0.5', 'seed=3', 'guidanceScale=0.5', 'timesFirst=true', 'rho=0.5');
    const asked = ['localize', 'clip.mp4', '--query', 'a wave', '--model', acting];
    const result = await run(...asked, '--weights', 'int8', ...sizes, ...drawn);
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stdout, /answer about .*: <t\d+><t\d+>/);
    assertRefused(
      await run(...asked, ...set('length=8', 'blockLength=4', 'cache=block', 'revise=0.1')),
      /one block/,
    );
    assertRefused(await run(...asked, ...set('cache=all')), /cache must be none, prefix, block or dual/);
  });

  cpSync(acting, inFolder('alone'), { recursive: true });
  const { mm_vision_tower: _, ...alone } = JSON.parse(readFileSync(join(acting, 'config.json'), 'utf8'));
  writeFileSync(join(inFolder('alone'), 'config.json'), JSON.stringify(alone));
  writeFileSync(inFolder('no.mp4'), 'no video');
  const worldModel = fileURLToPath(new URL('../../../checkpoints/world-map-diffusion', import.meta.url));
  const query = ['--query', 'a wave'];
  const refused: [what: string, args: (string | number)[], message: RegExp][] = [
    [
      'two things to look for',
      ['clip.mp4', ...query, '--question', 'When?', '--model', acting],
      /one of --query and --question/,
    ],
    [
      'an empty query',
      ['clip.mp4', '--query', ' ', '--model', acting],
      /--query must be a sentence, it is empty/,
    ],
    ['a file that is no video', ['no.mp4', ...query, '--model', acting], /no\.mp4 is not a video/],
    ['a missing video', ['nowhere.mp4', ...query, '--model', acting], /nowhere\.mp4/],
    ['a missing model', ['clip.mp4', ...query, '--model', 'nowhere'], /nowhere.*config\.json/],
    [
      'no query for a model of moments',
      ['clip.mp4', '--model', worldModel],
      /map-diffusion model needs query/,
    ],
    ['a question for another model', ['clip.mp4', '--question', 'When?', '--model', worldModel], /verbatim/],
    ['features for a model of videos', ['a.npy', '--duration', 3, '--model', acting], /a\.npy/],
    ['a language model alone', ['clip.mp4', ...query, '--model', 'alone'], /cannot look at videos/],
    [
      'too many frames',
      ['clip.mp4', ...query, '--model', acting, '--set', 'frames=200'],
      /look at fewer frames/,
    ],
    ['nothing at all', ['--model', acting], /missing required argument 'inputs'/],
    [
      'a folder that is not there',
      ['clip.mp4', ...query, '--model', acting, '--json', 'none/a.json'],
      /none/,
    ],
  ];
  for (const [what, args, message] of refused) {
    it(`refuses ${what}`, async () => assertRefused(await run('localize', ...args), message));
  }
});
