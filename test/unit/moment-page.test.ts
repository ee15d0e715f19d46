import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type MomentPage, renderMomentPage } from '../../src/cli/views/moment-page.js';
import { OptionError } from '../../src/errors.js';
import { assertWellFormed } from '../support/markup.js';
import { decodePng } from '../support/png.js';

const clips = 8;
/** Nothing but the moment that begins at clip 2 and lasts 3 clips. */
const found = Float32Array.from({ length: clips ** 2 }, (_, i) => (i === 2 * clips + 2 ? 1 : 0));
const frameShape = { width: 4, height: 3, channels: 3 } as const;
const page: MomentPage = {
  title: 'A & B <i>',
  subtitle: 'test',
  duration: 16,
  query: 'someone "waves" & walks',
  frames: [new Uint8Array(36).fill(10), new Uint8Array(36).fill(200)],
  frameShape,
  actions: [
    { label: 'walk', segment: [0, 4] },
    { label: 'wave', segment: [4, 16] },
  ],
  truth: [4, 10],
  predictions: [
    { segment: [4, 9], score: 0.9 },
    { segment: [0, 16], score: 0.25 },
  ],
  maps: [
    { label: 'noise', values: found.map(() => Number.NaN) },
    { label: 'step 8', values: found },
  ],
  clips,
};

const drawings = (html: string): string[] => html.match(/<svg[\s\S]*?<\/svg>/g) ?? [];
const pictures = (html: string) =>
  [...html.matchAll(/href="data:image\/png;base64,([^"]+)"/g)].map(([, data]) =>
    decodePng(Buffer.from(data!, 'base64')),
  );

describe('the page of a moment', () => {
  const html = renderMomentPage(page);

  it('holds frames, query, spans, scores, maps and a legend', () => {
    // The strip, the legend, two maps.
    assert.equal(drawings(html).length, 4);
    for (const svg of drawings(html)) assertWellFormed(svg);
    for (const said of [
      'A &amp; B &lt;i&gt;',
      'someone &quot;waves&quot; &amp; walks',
      'true span',
      '4.0–10.0 s',
      '1. score 0.90',
      'IoU 0.83',
      '2. score 0.25',
      'IoU 0.38',
      'time (seconds)',
      'start (s)',
      'duration (s)',
      'step 8',
    ]) {
      assert.ok(html.includes(`>${said}<`), said);
    }
    assert.deepEqual(
      pictures(html).map(({ width, height }) => [width, height]),
      [
        [4, 3],
        [4, 3],
        [clips, clips],
        [clips, clips],
      ],
    );
    assert.deepEqual(pictures(html)[1]!.pixels, page.frames[1]);
  });

  it('loads nothing from elsewhere, and knows light and dark', () => {
    assert.doesNotMatch(html, /https?:|<script|<link|@import|url\((?!#)/);
    assert.match(html, /prefers-color-scheme: dark/);
    // Every colour variable has both.
    for (const [, name] of html.matchAll(/var\((--\w+)\)/g)) {
      assert.equal(html.split(`${name}:`).length - 1, 2, name);
    }
  });

  it('has starts to the right and durations upwards in its maps', () => {
    const [nothing, map] = pictures(html).slice(2) as [
      ReturnType<typeof decodePng>,
      ReturnType<typeof decodePng>,
    ];
    const colour = ({ pixels }: typeof map, start: number, duration: number) =>
      pixels
        .subarray(3 * ((clips - duration) * clips + start))
        .subarray(0, 3)
        .join(' ');
    const low = colour(map, 0, 1);
    assert.notEqual(colour(map, 2, 3), low);
    for (let start = 0; start < clips; start++) {
      for (let duration = 1; duration <= clips; duration++) {
        if (start !== 2 || duration !== 3) assert.equal(colour(map, start, duration), low);
        assert.equal(colour(nothing, start, duration), colour(nothing, 0, 1));
      }
    }
    assert.notEqual(colour(nothing, 0, 1), low);
  });

  it('marks the true span and the best prediction in the cell that the map has for them', () => {
    const map = drawings(html).at(-1)!;
    const [, x, y] = /<circle cx="([\d.]+)" cy="([\d.]+)"/.exec(map)!;
    const [, left, top, side] = /<image x="(\d+)" y="(\d+)" width="(\d+)"/.exec(map)!.map(Number);
    const cell = side! / clips;
    // [4, 10] of two seconds a clip: clip 2, three clips.
    assert.equal(Math.floor((Number(x) - left!) / cell), 2);
    assert.equal(Math.floor((top! + side! - Number(y)) / cell), 2);
    const [, crossX, crossY] = /<path d="M([\d.]+) ([\d.]+)m-5/.exec(map)!;
    assert.equal(crossX, x);
    assert.ok(Number(crossY) > Number(y), 'a shorter moment is lower');
  });

  it('does without what is not known', () => {
    const { truth, actions, ...unknown } = page;
    const bare = renderMomentPage({ ...unknown, predictions: [], maps: [], frames: [] });
    assert.doesNotMatch(bare, /true span|IoU|what happens|<image/);
    assert.equal(drawings(bare).length, 1);
    assert.match(renderMomentPage(unknown), /1\. score 0\.90/);
    assert.doesNotMatch(renderMomentPage(unknown), /true span|IoU/);
    assert.ok(truth && actions);
  });

  it('keeps every bar in the plot and every caption in the drawing', () => {
    const time = fc.double({ min: -5, max: 70, noNaN: true });
    fc.assert(
      fc.property(time, time, fc.integer({ min: 1, max: 60 }), (a, b, duration) => {
        const segment = [Math.min(a, b), Math.max(a, b)] as const;
        const [strip] = drawings(
          renderMomentPage({
            ...page,
            maps: [],
            duration,
            truth: segment,
            predictions: [{ segment, score: 1 }],
          }),
        );
        assertWellFormed(strip!);
        for (const [, x, width] of strip!.matchAll(/<rect x="([\d.-]+)" y="[^"]*" width="([\d.-]+)"/g)) {
          assert.ok(Number(x) >= 118 && Number(x) + Number(width) <= 890 + 3.1);
        }
        for (const [, x, anchor, content] of strip!.matchAll(
          /<text x="([\d.-]+)" [^>]*anchor="(\w+)"[^>]*>([^<]*)</g,
        )) {
          const width = content!.length * 7.6;
          const left = Number(x) - (anchor === 'end' ? width : anchor === 'middle' ? width / 2 : 0);
          assert.ok(left >= 0 && left + width <= 1000, `${content} from ${left}`);
        }
      }),
    );
  });

  it('refuses a duration that is none, and maps of another size', () => {
    for (const duration of [0, -1, Number.NaN, Infinity]) {
      assert.throws(() => renderMomentPage({ ...page, duration }), OptionError);
    }
    assert.throws(() => renderMomentPage({ ...page, clips: 9 }), /81 values; "noise" has 64/);
  });
});
