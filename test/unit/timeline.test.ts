import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { renderTimeline, type Timeline, timelineFile } from '../../src/cli/views/timeline.js';
import { OptionError } from '../../src/errors.js';
import { assertWellFormed } from '../support/markup.js';

const timeline: Timeline = {
  title: 'jump.mp4',
  subtitle: 'CMCS',
  duration: 35,
  segments: [
    { label: 'Long jump', segment: [20.9, 34.7], score: 0.78 },
    { label: 'Long jump', segment: [8.9, 16.9], score: 0.6 },
    { label: 'Triple jump', segment: [7.4, 15.4], score: 0.42 },
  ],
  groundTruth: [{ label: 'Long jump', segment: [9, 15] }],
  activations: [
    { label: 'Long jump', values: [0, 0.5, 1, 0] },
    { label: 'High jump', values: [0, 0.1, 0, 0] },
  ],
  attention: [0.1, 0.2, 0.4, 0.3],
};

interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Every text of the drawing as a box, with characters at least as wide as common fonts have them. */
function textBoxes(svg: string): (Box & { content: string })[] {
  const texts = /<text x="([\d.-]+)" y="([\d.-]+)" text-anchor="(\w+)"[^>]* font-size="(\d+)"[^>]*>([^<]*)</g;
  return [...svg.matchAll(texts)].map(([, x, y, anchor, size, escaped]) => {
    const content = escaped!.replace(/&\w+;/g, '&');
    const width = [...content].length * Number(size) * 0.58;
    const left = Number(x) - (anchor === 'end' ? width : anchor === 'middle' ? width / 2 : 0);
    return { content, left, right: left + width, top: Number(y) - Number(size) * 0.75, bottom: Number(y) };
  });
}

const overlap = (a: Box, b: Box) =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

test('shows every segment, curve and tick', () => {
  const svg = renderTimeline(timeline);
  assertWellFormed(svg);
  assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" width="1000"/);
  for (const caption of [
    '0.78 · 20.9–34.7 s',
    '9.0–15.0 s',
    'Triple jump',
    'High jump',
    'Attention',
    '0.40',
    '35',
  ]) {
    assert.ok(svg.includes(`>${caption}<`), caption);
  }
  assert.equal(svg.match(/<polyline/g)!.length, 3);
});

test('shows curves after a diffusion beside those before, in the same colours', () => {
  const { activations, attention } = timeline;
  const refined = { activations: activations!.slice(0, 1), attention: attention! };
  const svg = renderTimeline({ ...timeline, refined });
  assertWellFormed(svg);
  for (const heading of ['Class activation', 'Attention']) {
    assert.ok(svg.includes(`>${heading}<`));
    assert.ok(svg.includes(`>${heading} after diffusion<`));
  }
  assert.equal(svg.match(/<polyline/g)!.length, 5);
  const swatches = [...svg.matchAll(/rx="2" fill="(#\w+)"\/><text[^>]*>Long jump</g)].map(([, c]) => c);
  assert.equal(new Set(swatches.slice(1)).size, 1);
});

test('saliency goes from its least number to its largest, at the middles of the clips', () => {
  const saliency = { start: 2, stride: 4, window: 8, scores: [-3, 1, -1] };
  const svg = renderTimeline({ title: 'x', duration: 20, segments: [], saliency });
  assertWellFormed(svg);
  for (const caption of ['Saliency', '-3.00', '1.00']) assert.ok(svg.includes(`>${caption}<`), caption);
  const points = /<polyline points="([^"]*)"/.exec(svg)![1]!.split(' ');
  const [[left], ...others] = points.map((point) => point.split(',').map(Number)) as [
    [number, number],
    ...[number, number][],
  ];
  const right = others.pop()![0];
  const seconds = others.map(([x]) => Math.round((20 * (x - left)) / (right - left)));
  assert.deepEqual(seconds, [6, 10, 14]);
  const heights = others.map(([, y]) => y);
  assert.deepEqual([heights[0]! - heights[1]!, heights[0]! - heights[2]!], [110, 55]);
  assert.ok(svg.includes('<polygon'));
});

test('a label has one colour, in bars and curves', () => {
  const svg = renderTimeline(timeline);
  const swatches = [...svg.matchAll(/rx="2" fill="(#\w+)"\/><text[^>]*>Long jump</g)].map(
    ([, colour]) => colour,
  );
  assert.equal(swatches.length, 3);
  assert.equal(swatches[1], swatches[2], 'prediction and curve');
  assert.notEqual(swatches[0], swatches[1], 'ground truth is grey');
});

test('bars stand at their times', () => {
  const svg = renderTimeline({
    title: 'x',
    duration: 10,
    segments: [{ label: 'a', segment: [2.5, 5], score: 1 }],
  });
  const axis = [...svg.matchAll(/<text x="([\d.]+)"[^>]*text-anchor="middle"[^>]*>(\d+)</g)];
  const at = new Map(axis.map(([, x, tick]) => [tick, Number(x)]));
  const [, x, width] = /<rect x="([\d.]+)"[^>]* width="([\d.]+)"[^>]* stroke=/.exec(svg)!;
  const second = (at.get('10')! - at.get('0')!) / 10;
  assert.ok(Math.abs(Number(x) - (at.get('0')! + 2.5 * second)) < 0.1);
  assert.ok(Math.abs(Number(width) - 2.5 * second) < 0.1);
});

test('a peak survives in a video of many steps', () => {
  const values = new Float32Array(20_000);
  values[12_345] = 1;
  const svg = renderTimeline({
    title: 'x',
    duration: 9000,
    segments: [],
    activations: [{ label: 'a', values }],
  });
  const points = /<polyline points="([^"]*)"/
    .exec(svg)![1]!
    .split(' ')
    .map((point) => point.split(',').map(Number));
  assert.ok(points.length < 1000);
  const heights = points.map(([, y]) => y!);
  assert.equal(Math.max(...heights) - Math.min(...heights), 110);
});

const labels = fc.constantFrom(
  'a',
  'Long jump',
  'Tennis serve with ball bouncing, seen from above',
  '<&">',
  '跳远',
);
const timelines: fc.Arbitrary<Timeline> = fc
  .double({ min: 0.5, max: 20_000, noNaN: true })
  .chain((duration) => {
    const segment = fc
      .tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }))
      .map(([a, b]) => [Math.min(a, b) * duration, Math.max(a, b) * duration] as const);
    const bar = fc.record({ label: labels, segment, score: fc.double({ min: -2, max: 2, noNaN: true }) });
    const values = fc.array(fc.double(), { minLength: 1, maxLength: 30 });
    return fc.record({
      title: fc.string(),
      duration: fc.constant(duration),
      segments: fc.array(bar, { maxLength: 15 }),
      groundTruth: fc.array(fc.record({ label: labels, segment }), { maxLength: 4 }),
      saliency: fc.record({
        start: fc.constant(0),
        stride: fc.double({ min: 0.1, max: 10, noNaN: true }),
        window: fc.double({ min: 0.1, max: 20, noNaN: true }),
        scores: fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 30 }),
      }),
      activations: fc.uniqueArray(fc.record({ label: labels, values }), { selector: ({ label }) => label }),
      attention: values,
    });
  });

test('any timeline is well-formed XML without NaN, and no two texts overlap', () => {
  fc.assert(
    fc.property(timelines, (one) => {
      const svg = renderTimeline(one);
      assertWellFormed(svg);
      assert.doesNotMatch(svg, /"[^"]*(NaN|Infinity)/);
      const boxes = textBoxes(svg).slice(1); // without the title, which may be any string
      for (const [i, a] of boxes.entries()) {
        assert.ok(a.left >= 0 && a.right <= 1000, `${a.content} leaves the drawing`);
        for (const b of boxes.slice(i + 1)) assert.ok(!overlap(a, b), `${a.content} over ${b.content}`);
      }
    }),
    { numRuns: 200 },
  );
});

test('a name that ends in .html gives a page around the drawing', () => {
  const page = timelineFile({ ...timeline, title: 'a < b' }, 'out/timeline.HTML');
  assert.match(page, /^<!doctype html>/);
  assert.ok(page.includes('<title>a &lt; b</title>'));
  assert.ok(page.includes(renderTimeline({ ...timeline, title: 'a < b' })));
  assert.equal(timelineFile(timeline, 'timeline.svg'), renderTimeline(timeline));
});

test('refuses a video without a duration', () => {
  for (const duration of [0, -1, Number.NaN, Infinity]) {
    assert.throws(() => renderTimeline({ ...timeline, duration }), OptionError);
  }
});
