import { line, px, text } from '../../data/text/svg.js';
import { lowestScore } from '../../ops/iou-map/merge-maps.js';
import type { Segment } from '../../time/segment.js';
import { pngAddress } from './moment-strip.js';
import { formatTime, tickStep } from './time-ticks.js';

/** A map of candidate moments at some step of its denoising. */
export interface MomentMap {
  readonly label: string;
  /**
   * [clips, clips]: first by start, then by duration less one clip, as `mergeMaps` gives it. Cells with NaN or
   * `lowestScore` are no candidates.
   */
  readonly values: ArrayLike<number>;
}

/** What all maps of a page have in common. */
export interface MapScale {
  /** Clips on each side of the map. */
  readonly clips: number;
  readonly secondsPerClip: number;
  /** The values with the first and the last colour; what lies outside has the nearer one. */
  readonly range: readonly [low: number, high: number];
  /** Marked with a ring. */
  readonly truth?: Segment;
  /** Marked with a cross. */
  readonly best?: Segment;
}

type Rgb = readonly [number, number, number];

/** From the lowest to the highest value, ever lighter: the order is clear in grey too. */
const RAMP: readonly Rgb[] = [
  [13, 22, 48],
  [34, 66, 116],
  [44, 118, 138],
  [96, 168, 112],
  [196, 206, 84],
  [253, 236, 138],
];
/** Of cells that are no candidates. */
const NOTHING: Rgb = [128, 134, 142];

// Lengths in pixels of a drawing that is 300 wide.
const WIDTH = 300;
const LEFT = 44;
const TOP = 30;
const SIDE = 244;
const HEIGHT = TOP + SIDE + 46;

function colourOf(value: number, [low, high]: readonly [number, number]): Rgb {
  if (!Number.isFinite(value) || value <= lowestScore.f16) return NOTHING;
  const at = Math.min(1, Math.max(0, (value - low) / (high - low))) * (RAMP.length - 1);
  const step = Math.min(RAMP.length - 2, Math.floor(at));
  const [from, to] = [RAMP[step]!, RAMP[step + 1]!];
  return from.map((channel, i) => channel + (at - step) * (to[i]! - channel)) as unknown as Rgb;
}

/** The map as a picture of a pixel a cell: starts to the right, durations upwards. */
function picture({ values }: MomentMap, { clips, range }: MapScale): string {
  const pixels = new Uint8Array(clips * clips * 3);
  for (let start = 0; start < clips; start++) {
    for (let duration = 0; duration < clips; duration++) {
      const row = clips - 1 - duration;
      pixels.set(
        colourOf(values[start * clips + duration]!, range).map(Math.round),
        (row * clips + start) * 3,
      );
    }
  }
  return pngAddress(pixels, { width: clips, height: clips, channels: 3 });
}

/** Around the cells whose moments end within the video: all others mean nothing. */
function outline(clips: number): string {
  const cell = SIDE / clips;
  const steps = Array.from(
    { length: clips },
    (_, start) => `V${px(TOP + start * cell)}H${px(LEFT + (start + 1) * cell)}`,
  );
  return `M${LEFT} ${TOP + SIDE}${steps.join('')}V${TOP + SIDE}Z`;
}

/** A heat map of scores by start and duration: an SVG element. `id` is unique in the page. */
export function momentMap(map: MomentMap, scale: MapScale, id: string): string {
  const { clips, secondsPerClip, truth, best } = scale;
  const seconds = clips * secondsPerClip;
  const length = (time: number) => (time / seconds) * SIDE;
  const bottom = TOP + SIDE;
  /** The middle of the cell of a span: its duration has the row below its upper edge. */
  const place = ([start, end]: Segment) => {
    const x = LEFT + length(start + secondsPerClip / 2);
    const y = bottom - length(end - start - secondsPerClip / 2);
    return [px(x), px(y)] as const;
  };
  const border = outline(clips);
  const marks: string[] = [];
  if (truth) {
    const [x, y] = place(truth);
    marks.push(
      `<circle cx="${x}" cy="${y}" r="10" fill="none" stroke="#ffffff" stroke-opacity="0.9" stroke-width="4.5"/>` +
        `<circle cx="${x}" cy="${y}" r="10" fill="none" stroke="var(--truth)" stroke-width="2.2"/>`,
    );
  }
  if (best) {
    const [x, y] = place(best);
    const cross = `M${x} ${y}m-5 -5l10 10m0 -10l-10 10`;
    marks.push(
      `<path d="${cross}" stroke="#000000" stroke-opacity="0.55" stroke-width="5"/>` +
        `<path d="${cross}" stroke="#ffffff" stroke-width="2.2"/>`,
    );
  }
  // The labels are short: ticks may stand closer than on a time line.
  const step = tickStep(seconds, 2 * SIDE);
  const ticks: string[] = [];
  for (let tick = 0; tick * step <= seconds * (1 + 1e-9); tick++) {
    const label = formatTime(tick * step, step);
    const [x, y] = [LEFT + length(tick * step), bottom - length(tick * step)];
    ticks.push(line(x, bottom, x, bottom + 4, 'var(--muted)'), line(LEFT - 4, y, LEFT, y, 'var(--muted)'));
    ticks.push(text(x, bottom + 17, label, { anchor: 'middle', size: 11, fill: 'var(--muted)' }));
    ticks.push(text(LEFT - 7, y + 4, label, { anchor: 'end', size: 11, fill: 'var(--muted)' }));
  }
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Map of moments">`,
    `<clipPath id="${id}"><path d="${border}"/></clipPath>`,
    text(LEFT, 16, map.label, { weight: 600, fill: 'var(--ink)' }),
    `<image x="${LEFT}" y="${TOP}" width="${SIDE}" height="${SIDE}" preserveAspectRatio="none"` +
      ` clip-path="url(#${id})" style="image-rendering: pixelated" href="${picture(map, scale)}"/>`,
    `<path d="${border}" fill="none" stroke="var(--muted)" stroke-width="0.75"/>`,
    ...ticks,
    text(LEFT + SIDE, bottom + 35, 'start (s)', { anchor: 'end', size: 11, fill: 'var(--muted)' }),
    `<g transform="rotate(-90 12 ${TOP})">${text(12, TOP, 'duration (s)', { anchor: 'end', size: 11, fill: 'var(--muted)' })}</g>`,
    ...marks,
    '</svg>',
  ].join('\n');
}

/** What the colours and the marks mean: an SVG element. */
export function mapLegend({ range, truth, best }: MapScale): string {
  const stops = RAMP.map(
    (colour, i) => `<stop offset="${i / (RAMP.length - 1)}" stop-color="rgb(${colour.join(' ')})"/>`,
  );
  const [low, high] = range.map((value) => `${Number(value.toPrecision(3))}`) as [string, string];
  const parts = [
    text(0, 17, 'score', { size: 12, fill: 'var(--muted)' }),
    text(62, 17, low, { anchor: 'end', size: 12, fill: 'var(--ink)' }),
    '<rect x="70" y="6" width="150" height="14" rx="3" fill="url(#ramp)"/>',
    text(228, 17, high, { size: 12, fill: 'var(--ink)' }),
  ];
  if (truth) {
    parts.push(
      '<circle cx="292" cy="13" r="7" fill="none" stroke="var(--truth)" stroke-width="2.2"/>',
      text(306, 17, 'true span', { size: 12, fill: 'var(--ink)' }),
    );
  }
  if (best) {
    parts.push(
      '<path d="M400 13m-5 -5l10 10m0 -10l-10 10" stroke="var(--ink)" stroke-width="2.2"/>',
      text(412, 17, 'best prediction', { size: 12, fill: 'var(--ink)' }),
    );
  }
  return [
    '<svg class="legend" viewBox="0 0 540 26" role="img" aria-label="Legend">',
    `<linearGradient id="ramp">${stops.join('')}</linearGradient>`,
    ...parts,
    '</svg>',
  ].join('\n');
}
