import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HostRandom } from '../../src/data/host-random.js';
import { type FrameShape, frameCount } from '../../src/data/video/frame.js';
import { frameResizer } from '../../src/data/video/resize-frame.js';
import { type ActionName, actionKind, actionNames, SHORTEST_ACTION } from '../../src/data/world/actions.js';
import { limbsOf, placeAt, poseAt } from '../../src/data/world/figure.js';
import { ASPECT, LARGEST_PAN } from '../../src/data/world/picture.js';
import { chooseScene } from '../../src/data/world/scene.js';
import { type ScriptedAction, writeScript } from '../../src/data/world/script.js';
import { phrases, worldWords } from '../../src/data/world/sentences.js';
import { worldSeed, worldVideo } from '../../src/data/world/world.js';
import { OptionError } from '../../src/errors.js';

const seeds = Array.from({ length: 300 }, (_, i) => worldSeed('validation', i));
const small: FrameShape = { width: 32, height: 32, channels: 1 };

describe('the numbers behind the world', () => {
  it('are decided by seed and stream, and evenly spread', () => {
    const draw = (seed: number, stream?: number) => {
      const random = new HostRandom(seed, stream);
      return Array.from({ length: 8 }, () => random.uniform(0, 1));
    };
    assert.deepEqual(draw(7), draw(7));
    const firsts = [draw(7), draw(8), draw(7, 1), draw(8, 1), draw(2 ** 31 + 7)].map(([first]) => first);
    assert.equal(new Set(firsts).size, 5);

    const random = new HostRandom(3);
    const counts = new Uint32Array(10);
    for (let i = 0; i < 10_000; i++) counts[random.integer(0, 9)]!++;
    // Five standard deviations of a count.
    for (const count of counts) assert.ok(Math.abs(count - 1000) < 150, counts.join(' '));
  });

  it('have seeds that do not overlap between splits', () => {
    assert.throws(() => worldSeed('train', 2 ** 30), OptionError);
    assert.throws(() => worldSeed('train', -1), OptionError);
    assert.equal(worldSeed('validation', 0), worldSeed('train', 2 ** 30 - 1) + 1);
    assert.equal(worldSeed('test', 0), worldSeed('validation', 2 ** 30 - 1) + 1);
    assert.throws(() => worldVideo(2 ** 32), OptionError);
    assert.throws(() => worldVideo(0.5), OptionError);
  });
});

describe('a script', () => {
  it('is a chain of possible actions without gaps', () => {
    for (const seed of seeds) {
      const { duration, actions } = worldVideo(seed);
      assert.ok(Number.isInteger(duration) && duration >= 24 && duration <= 40);
      assert.equal(actions[0]!.start, 0);
      assert.equal(actions.at(-1)!.end, duration);
      for (const [i, { name, start, end, posture }] of actions.entries()) {
        const { from, longest } = actionKind(name);
        const length = end - start;
        assert.ok(length > SHORTEST_ACTION - 1e-9 && length < longest + 1e-9, `${seed}: ${name} ${length}`);
        assert.ok(from.includes(posture), `${seed}: ${name} while ${posture}`);
        const next = actions[i + 1];
        if (!next) continue;
        assert.equal(next.start, end);
        assert.equal(next.posture, actionKind(name).to ?? posture);
        assert.notEqual(next.name, name);
      }
    }
  });

  it('takes the durations it is given', () => {
    const durations = seeds.map((seed) => worldVideo(seed, { seconds: [10, 12] }).duration);
    assert.deepEqual(new Set(durations), new Set([10, 11, 12]));
    for (const seconds of [
      [9, 12],
      [12, 11],
      [10.5, 12],
      [10, 3601],
    ] as const) {
      assert.throws(() => worldVideo(0, { seconds }), OptionError);
    }
  });

  it('has every action in some video, and no two videos alike', () => {
    const scripts = seeds.map((seed) => worldVideo(seed).actions);
    const seen = new Set(scripts.flat().map(({ name }) => name));
    assert.deepEqual([...seen].toSorted(), actionNames.toSorted());
    assert.equal(new Set(scripts.map((actions) => JSON.stringify(actions))).size, seeds.length);
  });

  it('stays as it was: models were trained on it', () => {
    const { duration, actions, queries } = worldVideo(worldSeed('test', 5));
    assert.deepEqual(
      { duration, actions: actions.map(({ name, end }) => `${name} ${end}`), query: queries[0]!.query },
      {
        duration: 33,
        actions: [
          'wave 3.15',
          'lie down 5.9',
          'lie 9.39',
          'sit up 11.56',
          'wave 17',
          'stand up 19.71',
          'stand 22.58',
          'sit down 25.39',
          'lie down 28.14',
          'lie 33',
        ],
        query: 'when the figure rises from the floor right after waving one hand',
      },
    );
  });
});

describe('the look of a video', () => {
  it('stays as it was, too', () => {
    const frame = worldVideo(worldSeed('test', 5)).frame(10, { width: 4, height: 4, channels: 1 });
    const known = [134, 133, 136, 132, 126, 133, 136, 130, 122, 125, 143, 135, 127, 88, 106, 143];
    for (const [i, value] of known.entries()) assert.ok(Math.abs(frame[i]! - value) <= 1, frame.join(' '));
  });
});

describe('a sentence', () => {
  const subject = '(?:the person|the figure|a person|a figure|someone)';
  const grammar = new RegExp(
    `^(?:when |the moment in which |the part where |the (?<early>\\w+) time )?${subject} ` +
      '(?<finite>.+?)' +
      '(?: for the (?<late>\\w+) time| (?:right|just|directly) (?<side>after|before) (?<gerund>.+))?$',
  );
  const ordinals = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth'];
  const named = (form: 0 | 1, words: string): ActionName => {
    const matches = actionNames.filter((name) => phrases[name].some((phrase) => phrase[form] === words));
    assert.equal(matches.length, 1, `"${words}" names ${matches.join(', ') || 'nothing'}`);
    return matches[0]!;
  };

  /** Every action that a sentence is true of, as a reader would find it. */
  function meaning(query: string, actions: readonly ScriptedAction[]): ScriptedAction[] {
    const parts = grammar.exec(query)?.groups;
    assert.ok(parts, `"${query}" is no sentence`);
    const name = named(0, parts.finite!);
    const same = actions.filter((action) => action.name === name);
    const ordinal = parts.early ?? parts.late;
    if (ordinal) {
      assert.ok(same.length > 1, `"${query}": it happens once`);
      return ordinal === 'last' ? same.slice(-1) : same.slice(ordinals.indexOf(ordinal)).slice(0, 1);
    }
    if (!parts.side) return same;
    const neighbour = named(1, parts.gerund!);
    return same.filter(
      (action) => actions[actions.indexOf(action) + (parts.side === 'after' ? -1 : 1)]?.name === neighbour,
    );
  }

  it('is true of exactly the span it comes with', () => {
    const kinds = new Set<string>();
    for (const seed of seeds) {
      const { actions, queries } = worldVideo(seed, { queries: 40 });
      assert.ok(queries.length > 0);
      for (const { query, kind, span } of queries) {
        const found = meaning(query, actions);
        assert.deepEqual(
          found.map(({ start, end }) => [start, end]),
          [[...span]],
          `${seed}: ${query}`,
        );
        const relation = / (after|before) /.test(query);
        assert.equal(kind, relation ? 'relation' : / time\b/.test(query) ? 'ordinal' : 'single', query);
        kinds.add(kind);
      }
    }
    assert.equal(kinds.size, 3);
  });

  it('uses words of the list alone, and each of them somewhere', () => {
    const used = new Set<string>();
    for (let i = 0; i < 3000; i++) {
      for (const { query } of worldVideo(i, { queries: 40 }).queries) {
        for (const word of query.split(' ')) used.add(word);
      }
    }
    // The fifth and the sixth time of anything are rare.
    const rare = new Set(['fifth', 'sixth']);
    const words = worldWords();
    assert.deepEqual(
      [...used].filter((word) => !words.includes(word)),
      [],
    );
    assert.deepEqual(
      words.filter((word) => !used.has(word) && !rare.has(word)),
      [],
    );
  });

  it('comes as often as asked for', () => {
    assert.equal(worldVideo(1).queries.length, 6);
    assert.equal(worldVideo(1, { queries: 2 }).queries.length, 2);
    assert.deepEqual(worldVideo(1).queries, worldVideo(1).queries);
  });
});

describe('the figure', () => {
  const scripts = seeds.slice(0, 40).map((seed) => {
    const { build } = chooseScene(new HostRandom(seed));
    return { build, script: writeScript(new HostRandom(seed, 1), build.size) };
  });
  const bodyAt = ({ build, script }: (typeof scripts)[number], seconds: number) => {
    const { x, facing } = placeAt(script, seconds);
    return limbsOf(poseAt(script, seconds), x, facing, build);
  };

  it('moves without a jump, from one action to the next too', () => {
    const step = 0.005;
    for (const one of scripts) {
      let previous = bodyAt(one, 0);
      for (let seconds = step; seconds < one.script.duration; seconds += step) {
        const body = bodyAt(one, seconds);
        const furthest = Math.max(
          ...body.map(({ x2, y2 }, i) => Math.hypot(x2 - previous[i]!.x2, y2 - previous[i]!.y2)),
        );
        assert.ok(furthest < 0.03, `${furthest} at ${seconds} s`);
        previous = body;
      }
    }
  });

  it('stays in the picture and on the ground', () => {
    for (const one of scripts) {
      for (let seconds = 0; seconds < one.script.duration; seconds += 0.1) {
        const body = bodyAt(one, seconds);
        const xs = body.flatMap(({ x1, x2, radius }) => [x1 - radius, x1 + radius, x2 - radius, x2 + radius]);
        assert.ok(Math.min(...xs) > LARGEST_PAN && Math.max(...xs) < ASPECT - LARGEST_PAN, `${seconds} s`);
        const lowest = Math.max(...body.map(({ y1, y2, radius }) => Math.max(y1, y2) + radius));
        const { lift } = poseAt(one.script, seconds);
        assert.ok(Math.abs(lowest - (one.build.ground - lift * one.build.size)) < 1e-9);
      }
    }
  });
});

describe('a frame', () => {
  /** Root of the mean squared difference. */
  const difference = (a: Uint8Array, b: Uint8Array) =>
    Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / a.length);

  it('is the same each time, whatever was drawn before it', () => {
    const video = worldVideo(11);
    const frame = video.frame(12.5, small);
    video.frame(3, small);
    video.frame(3, { width: 64, height: 48, channels: 3 });
    assert.deepEqual(video.frame(12.5, small), frame);
    assert.deepEqual(worldVideo(11).frame(12.5, small), frame);
    assert.ok(difference(video.frame(12.6, small), frame) > 0.5, 'noise does not move');
  });

  it('stands where frames() puts it', () => {
    const video = worldVideo(12, { seconds: [10, 10] });
    const size = small.width * small.height;
    const all = video.frames(4, small);
    assert.equal(all.length, 40 * size);
    assert.deepEqual(all.slice(17 * size, 18 * size), video.frame(17 / 4, small));
  });

  it('shows the same at every size, in colour and in grey', () => {
    for (const seed of seeds.slice(0, 10)) {
      const video = worldVideo(seed);
      const large = video.frame(9, { width: 128, height: 96, channels: 3 });
      const rgba = new Uint8Array(128 * 96 * 4);
      for (let i = 0; i < 128 * 96; i++) rgba.set(large.subarray(3 * i, 3 * i + 3), 4 * i);
      // At most 8 of noise in a small frame, and a little more of edges.
      const shrunk = frameResizer(128, 96, small)(rgba);
      assert.ok(difference(shrunk, video.frame(9, small)) < 10);
      const grey = frameResizer(128, 96, { width: 128, height: 96, channels: 1 })(rgba);
      const drawn = video.frame(9, { width: 128, height: 96, channels: 1 });
      assert.ok(difference(grey, drawn) < 1);
    }
  });

  it('shows the figure', () => {
    for (const seed of seeds.slice(0, 40)) {
      const scene = chooseScene(new HostRandom(seed));
      const script = writeScript(new HostRandom(seed, 1), scene.build.size);
      const { x, facing } = placeAt(script, 5);
      const torso = limbsOf(poseAt(script, 5), x, facing, scene.build)[4]!;
      const shape = { width: 256, height: 192, channels: 1 } as const;
      const frame = worldVideo(seed).frame(5, shape);
      const meanAround = (centreX: number, centreY: number) => {
        let sum = 0;
        for (let y = -2; y <= 2; y++) {
          for (let x = -2; x <= 2; x++) {
            sum += frame[(Math.round(centreY * 192) + y) * 256 + Math.round((centreX / ASPECT) * 256) + x]!;
          }
        }
        return sum / 25;
      };
      const body = meanAround((torso.x1 + torso.x2) / 2, (torso.y1 + torso.y2) / 2);
      const sky = meanAround(torso.x1 < ASPECT / 2 ? ASPECT - 0.05 : 0.05, 0.05);
      assert.ok(Math.abs(body - sky) > 15, `${seed}: ${body} before ${sky}`);
    }
  });

  it('refuses shapes and rates that are none', () => {
    for (const shape of [
      { width: 0, height: 8, channels: 1 },
      { width: 8, height: 1.5, channels: 1 },
      { width: 8, height: 8, channels: 2 },
    ]) {
      assert.throws(() => worldVideo(0).frame(0, shape as FrameShape), OptionError);
    }
    for (const rate of [0, -1, Infinity]) assert.throws(() => worldVideo(0).frames(rate, small), OptionError);
  });
});

describe('the number of frames', () => {
  it('counts those that begin before the end', () => {
    assert.equal(frameCount(2, 12), 24);
    assert.equal(frameCount(2.01, 12), 25);
    assert.equal(frameCount(2.00001, 12), 24);
    assert.equal(frameCount(0.01, 1), 1);
  });
});
