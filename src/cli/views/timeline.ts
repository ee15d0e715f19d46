import {
  drawing,
  drawingFile,
  escapeText,
  line,
  MARGIN,
  MUTED,
  PALETTE,
  px,
  RULE,
  shorten,
  text,
  textWidth,
  WIDTH,
} from '../../data/text/svg.js';
import { OptionError } from '../../errors.js';
import type { Detection, LabelledSegment } from '../../time/segment.js';
import { formatTime, tickStep } from './time-ticks.js';

/** A bar of the timeline: an action that was found, or one that is true, which has no score. */
export type TimelineSegment = LabelledSegment & Partial<Detection>;

/** A sequence over the steps of the video, of any length, with values in [0, 1]. */
export interface TimelineCurve {
  label: string;
  values: ArrayLike<number>;
}

/** A number for each clip: clip i is of [start + i * stride, start + i * stride + window), in seconds. */
export interface TimelineClips {
  readonly start: number;
  readonly stride: number;
  readonly window: number;
  readonly scores: readonly number[];
}

export interface Timeline {
  title: string;
  /** A line below the title, such as the model's name. */
  subtitle?: string;
  /** Length of the video in seconds. */
  duration: number;
  /** Seconds from one value of a curve to the next; default `duration` / number of values. */
  secondsPerStep?: number;
  /** Predictions, best first; labels that are also curves share their colour. */
  segments: readonly TimelineSegment[];
  groundTruth?: readonly TimelineSegment[];
  /** Class activation of the top classes; of more than six, colours recur. */
  activations?: readonly TimelineCurve[];
  /** Scaled to its own maximum, since attention over time has no fixed range. */
  attention?: ArrayLike<number>;
  /** How well clips show what is looked for, from the least of its numbers to the largest. */
  saliency?: TimelineClips;
  /** Both after a diffusion. */
  refined?: { readonly activations: readonly TimelineCurve[]; readonly attention: ArrayLike<number> };
}

// All lengths are in pixels.
const LEFT = 208;
const RIGHT = 28;
const PLOT = WIDTH - LEFT - RIGHT;
const HEADING = 24;
const BAR = 22;
const BAR_PADDING = 7;
const BAR_GAP = 4;
const LANE_GAP = 6;
const CURVE = 110;
const PANEL_GAP = 26;
const LEGEND_LINE = 24;
const LEGEND_MOST = 230;
const SWATCH = 11;

const TRUTH = '#8b95a1';

interface Bar {
  x: number;
  width: number;
  caption: string;
  captionX: number;
  captionAnchor: 'start' | 'end';
  /** Ends of what the bar and its caption cover together. */
  from: number;
  to: number;
  tooltip: string;
  /** 0 to 1. */
  strength: number;
}

function layBar(
  { label, segment: [start, end], score }: TimelineSegment,
  duration: number,
  best: number,
): Bar {
  const at = (seconds: number) => LEFT + (Math.min(duration, Math.max(0, seconds)) / duration) * PLOT;
  const x = at(start);
  const width = Math.max(3, at(end) - x);
  const span = `${start.toFixed(1)}–${end.toFixed(1)} s`;
  const captions = score === undefined ? [span] : [`${score.toFixed(2)} · ${span}`, score.toFixed(2)];
  const inside = captions.find((caption) => textWidth(caption) + 2 * BAR_PADDING <= width);
  const caption = inside ?? captions.at(-1)!;
  const outer = textWidth(caption) + BAR_PADDING;
  const toTheLeft = !inside && x + width + outer > WIDTH - RIGHT;
  return {
    x,
    width,
    caption,
    captionX: inside ? x + BAR_PADDING : toTheLeft ? x - BAR_PADDING : x + width + BAR_PADDING,
    captionAnchor: toTheLeft ? 'end' : 'start',
    from: toTheLeft ? x - outer : x,
    to: inside || toTheLeft ? x + width : x + width + outer,
    tooltip: `${label}: ${span}${score === undefined ? '' : `, score ${score.toFixed(3)}`}`,
    strength: score === undefined ? 1 : best > 0 ? Math.min(1, Math.max(0, score / best)) : 0,
  };
}

/** Puts bars into as few lines as hold them side by side, in the given order. */
function packBars(bars: readonly Bar[]): Bar[][] {
  const lines: Bar[][] = [];
  for (const bar of bars) {
    const free = lines.find((row) =>
      row.every((other) => bar.from >= other.to + 4 || bar.to + 4 <= other.from),
    );
    if (free) free.push(bar);
    else lines.push([bar]);
  }
  return lines;
}

function drawBar(bar: Bar, y: number, colour: string): string {
  const box = `x="${px(bar.x)}" y="${px(y)}" width="${px(bar.width)}" height="${BAR}" rx="3"`;
  const opacity = (0.12 + 0.3 * bar.strength).toFixed(2);
  // Opaque below: the grid must not cross the caption.
  return (
    `<g><title>${escapeText(bar.tooltip)}</title>` +
    `<rect ${box} fill="#ffffff"/>` +
    `<rect ${box} fill="${colour}" fill-opacity="${opacity}" stroke="${colour}" stroke-width="1.5"/>` +
    `${text(bar.captionX, y + BAR - 6.5, bar.caption, { anchor: bar.captionAnchor, size: 12 })}</g>`
  );
}

/** A part of the drawing: what it shows, and how high it is. */
interface Panel {
  height: number;
  draw(top: number): string;
}

/** Bars grouped by label, a lane a label, in the order in which labels first occur. */
function barPanel(
  heading: string,
  segments: readonly TimelineSegment[],
  duration: number,
  colourOf: (label: string) => string,
): Panel {
  const best = Math.max(...segments.map(({ score }) => score ?? 0));
  const labels = [...new Set(segments.map(({ label }) => label))];
  const lanes = labels.map((label) => ({
    label,
    lines: packBars(segments.filter((one) => one.label === label).map((one) => layBar(one, duration, best))),
  }));
  const laneHeight = (lines: number) => lines * (BAR + BAR_GAP) + LANE_GAP;
  const lanesHeight = lanes.reduce((sum, { lines }) => sum + laneHeight(lines.length), 0);
  return {
    height: HEADING + Math.max(lanesHeight, BAR + LANE_GAP),
    draw(top) {
      const parts = [drawHeading(heading, top)];
      let y = top + HEADING;
      if (lanes.length === 0) parts.push(text(LEFT + BAR_PADDING, y + BAR - 6.5, 'none', { fill: MUTED }));
      for (const { label, lines } of lanes) {
        parts.push(drawLabel(label, MARGIN, y + BAR - 6.5, LEFT - MARGIN - 16, colourOf(label)));
        for (const bars of lines) {
          parts.push(...bars.map((bar) => drawBar(bar, y, colourOf(label))));
          y += BAR + BAR_GAP;
        }
        y += LANE_GAP;
      }
      return parts.join('\n');
    },
  };
}

const drawHeading = (heading: string, top: number): string =>
  text(MARGIN, top + 12, heading, { fill: MUTED, size: 12, weight: 600 });

/** A swatch and a name, which is cut to `width` and then has its whole length as a tooltip. */
function drawLabel(label: string, x: number, baseline: number, width: number, colour: string): string {
  const name = shorten(label, width - SWATCH - 7);
  const tooltip = name === label ? '' : `<title>${escapeText(label)}</title>`;
  return (
    `<g>${tooltip}<rect x="${px(x)}" y="${px(baseline - SWATCH + 0.5)}" width="${SWATCH}" height="${SWATCH}" rx="2"` +
    ` fill="${colour}"/>${text(x + SWATCH + 7, baseline, name)}</g>`
  );
}

/** Points of a curve, "x,y x,y …": at the middles of the steps, constant to both ends of the video. */
function curvePoints(values: ArrayLike<number>, scale: number, timeline: Timeline, top: number): string {
  const { duration, secondsPerStep = duration / values.length } = timeline;
  return placedPoints(values, scale, (step) => (step + 0.5) * secondsPerStep, duration, top);
}

/** The same with the step at seconds that are told. */
function placedPoints(
  values: ArrayLike<number>,
  scale: number,
  secondsOf: (step: number) => number,
  duration: number,
  top: number,
): string {
  const height = (value: number) => px(top + CURVE * (1 - Math.min(1, Math.max(0, value / scale))));
  // Of the steps that fall on one pixel the highest is shown: a peak may not vanish in a long video.
  const peaks = new Map<number, number>();
  for (let step = 0; step < values.length; step++) {
    const seconds = secondsOf(step);
    if (seconds > duration) break;
    const exact = LEFT + (seconds / duration) * PLOT;
    const x = values.length > PLOT ? Math.round(exact) : exact;
    const value = Number.isFinite(values[step]) ? values[step]! : 0;
    peaks.set(x, Math.max(peaks.get(x) ?? value, value));
  }
  const points = [...peaks];
  if (points.length === 0) return '';
  return [[LEFT, points[0]![1]] as const, ...points, [LEFT + PLOT, points.at(-1)![1]] as const]
    .map(([x, value]) => `${px(x)},${height(value)}`)
    .join(' ');
}

/** Places legend entries side by side, in as many lines as they need. */
function layLegend(labels: readonly string[]): { x: number; line: number; width: number }[] {
  let x = LEFT;
  let row = 0;
  return labels.map((label) => {
    const width = Math.min(LEGEND_MOST, SWATCH + 7 + textWidth(label));
    if (x > LEFT && x + width > LEFT + PLOT) {
      x = LEFT;
      row++;
    }
    const placed = { x, line: row, width };
    x += width + 22;
    return placed;
  });
}

function activationPanel(
  heading: string,
  timeline: Timeline,
  curves: readonly TimelineCurve[],
  colourOf: (label: string) => string,
): Panel {
  const legend = layLegend(curves.map(({ label }) => label));
  const legendHeight = (legend.at(-1)!.line + 1) * LEGEND_LINE;
  return {
    height: legendHeight + CURVE,
    draw(top) {
      const names = curves.map(({ label }, i) => {
        const { x, line: row, width } = legend[i]!;
        return drawLabel(label, x, top + 12 + row * LEGEND_LINE, width, colourOf(label));
      });
      const base = top + legendHeight;
      // The best class comes first in the legend and is drawn last, on top.
      const lines = curves.map(
        ({ label, values }) =>
          `<polyline points="${curvePoints(values, 1, timeline, base)}" fill="none" stroke="${colourOf(label)}"` +
          ' stroke-width="2" stroke-linejoin="round"/>',
      );
      return [drawHeading(heading, top), ...names, drawScale(base, '1'), ...lines.reverse()].join('\n');
    },
  };
}

function attentionPanel(heading: string, timeline: Timeline, values: ArrayLike<number>): Panel {
  const largest = Array.from(values).reduce((a, b) => Math.max(a, Number.isFinite(b) ? b : 0), 0);
  return filledPanel(heading, ['0', largest > 0 ? largest.toPrecision(2) : '1'], (top) =>
    curvePoints(values, largest || 1, timeline, top),
  );
}

function saliencyPanel({ duration }: Timeline, { start, stride, window, scores }: TimelineClips): Panel {
  const [least, largest] = [Math.min(...scores), Math.max(...scores)];
  const above = scores.map((score) => score - least);
  const ends = [least, largest].map((value) => value.toPrecision(3)) as [string, string];
  return filledPanel('Saliency', ends, (top) =>
    placedPoints(above, largest - least || 1, (i) => start + i * stride + window / 2, duration, top),
  );
}

/** A curve with the area below it. */
function filledPanel(
  heading: string,
  [lower, upper]: readonly [string, string],
  pointsOf: (top: number) => string,
): Panel {
  return {
    height: HEADING + CURVE,
    draw(top) {
      const base = top + HEADING;
      const points = pointsOf(base);
      const floor = px(base + CURVE);
      return [
        drawHeading(heading, top),
        drawScale(base, upper, lower),
        `<polygon points="${LEFT},${floor} ${points} ${LEFT + PLOT},${floor}" fill="${MUTED}" fill-opacity="0.16"/>`,
        `<polyline points="${points}" fill="none" stroke="${MUTED}" stroke-width="1.5" stroke-linejoin="round"/>`,
      ].join('\n');
    },
  };
}

/** The vertical scale of a curve: its upper end, its lower end, and a line at each. */
const drawScale = (top: number, upper: string, lower = '0'): string =>
  [
    line(LEFT, top, LEFT + PLOT, top, RULE),
    line(LEFT, top + CURVE, LEFT + PLOT, top + CURVE, RULE),
    text(LEFT - 8, top + 4, upper, { anchor: 'end', fill: MUTED, size: 12 }),
    text(LEFT - 8, top + CURVE + 4, lower, { anchor: 'end', fill: MUTED, size: 12 }),
  ].join('\n');

function drawAxis(duration: number, top: number, bottom: number): string {
  const step = tickStep(duration, PLOT);
  const parts: string[] = [];
  for (let tick = 0; tick * step <= duration * (1 + 1e-9); tick++) {
    const x = LEFT + ((tick * step) / duration) * PLOT;
    parts.push(line(x, top, x, bottom + 5, RULE));
    parts.push(
      text(x, bottom + 20, formatTime(tick * step, step), { anchor: 'middle', fill: MUTED, size: 12 }),
    );
  }
  parts.push(line(LEFT, bottom, LEFT + PLOT, bottom, MUTED));
  const unit = step <= 10 ? 'seconds' : duration < 3600 ? 'm:ss' : 'h:mm:ss';
  parts.push(text(LEFT + PLOT, bottom + 40, `time (${unit})`, { anchor: 'end', fill: MUTED, size: 12 }));
  return parts.join('\n');
}

/**
 * Draws what was found in a video over time, as a standalone SVG document 1000 px wide: ground truth and
 * predicted segments as bars, class activations, attention and saliency as curves, over one time axis.
 * @throws OptionError where the duration is not positive
 */
export function renderTimeline(timeline: Timeline): string {
  const { title, subtitle, duration, segments, groundTruth, activations, attention, saliency, refined } =
    timeline;
  if (!(duration > 0 && duration < Infinity)) {
    throw new OptionError(`A timeline needs a positive duration in seconds, got ${duration}`);
  }
  const labels = [...new Set([...(activations ?? []), ...segments].map(({ label }) => label))];
  const colourOf = (label: string) => PALETTE[labels.indexOf(label) % PALETTE.length]!;
  const panels: Panel[] = [];
  if (groundTruth?.length) panels.push(barPanel('Ground truth', groundTruth, duration, () => TRUTH));
  panels.push(barPanel('Predictions', segments, duration, colourOf));
  if (activations?.length) panels.push(activationPanel('Class activation', timeline, activations, colourOf));
  if (attention?.length) panels.push(attentionPanel('Attention', timeline, attention));
  if (saliency) panels.push(saliencyPanel(timeline, saliency));
  if (refined) {
    panels.push(activationPanel('Class activation after diffusion', timeline, refined.activations, colourOf));
    panels.push(attentionPanel('Attention after diffusion', timeline, refined.attention));
  }

  const top = subtitle === undefined ? 56 : 78;
  let bottom = top;
  const drawn = panels.map((panel, i) => {
    const drawing = panel.draw(bottom + (i === 0 ? 0 : PANEL_GAP));
    bottom += panel.height + (i === 0 ? 0 : PANEL_GAP);
    return drawing;
  });
  const height = bottom + 58;
  return drawing(title, subtitle, height, [drawAxis(duration, top + HEADING - 6, bottom), ...drawn]);
}

/**
 * The timeline as the content of a file: an HTML page where `path` ends in .html or .htm, else an SVG.
 * @throws OptionError where the duration is not positive
 */
export function timelineFile(timeline: Timeline, path: string): string {
  return drawingFile(renderTimeline(timeline), timeline.title, path);
}
