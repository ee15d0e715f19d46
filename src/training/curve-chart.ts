import { escapeText, px, text } from '../data/text/svg.js';
import type { Curve, CurvePoint } from './curve.js';

export interface ChartOptions {
  readonly title: string;
  /** Steps of the run: the width of the drawing. */
  readonly steps: number;
  /** Draws a moving average over the values. */
  readonly smooth?: boolean;
  /** Draws a mark at each value, and a line at the best one. */
  readonly marks?: { readonly best?: number };
  readonly width?: number;
}

const height = 190;
/** Room for the title, the numbers at the left and those below. */
const margin = { left: 58, right: 14, top: 30, bottom: 26 };
/** A curve whose largest value is so many times the least is drawn with a logarithmic axis. */
const wide = 30;

/** Draws a curve as an SVG element. */
export function curveChart(curve: Curve, { title, steps, smooth, marks, width = 330 }: ChartOptions): string {
  const points = curve.points;
  const values = points.map(({ value }) => value);
  const axis = valueAxis(Math.min(...values), Math.max(...values));
  const [right, bottom] = [width - margin.right, height - margin.bottom];
  const x = (step: number) => margin.left + ((right - margin.left) * step) / steps;
  const y = (value: number) => bottom - (bottom - margin.top) * axis.place(value);
  const muted = { fill: 'var(--muted)', size: 11 };
  const path = (of: readonly CurvePoint[]) =>
    of.map(({ step, value }) => `${px(x(step))},${px(y(value))}`).join(' ');
  const ticks = axis.ticks.flatMap((value) => [
    `<path class="rule" d="M${margin.left} ${px(y(value))}H${right}"/>`,
    text(margin.left - 6, y(value) + 4, shortNumber(value), { ...muted, anchor: 'end' }),
  ]);
  const stepTicks = [0, Math.round(steps / 2), steps].map((step, i) =>
    text(x(step), bottom + 17, step.toLocaleString('en'), {
      ...muted,
      anchor: i === 0 ? 'start' : i === 1 ? 'middle' : 'end',
    }),
  );
  const lines = smooth
    ? [
        `<polyline class="raw" points="${path(points)}"/>`,
        `<polyline class="curve" points="${path(smoothed(points))}"/>`,
      ]
    : [`<polyline class="curve" points="${path(points)}"/>`];
  const dots = marks
    ? points.map(({ step, value }) => {
        const best = step === marks.best;
        const label = `step ${step.toLocaleString('en')}: ${value}${best ? ', kept as the best' : ''}`;
        return (
          `<circle class="${best ? 'best' : 'mark'}" cx="${px(x(step))}" cy="${px(y(value))}"` +
          ` r="${best ? 5 : points.length > 60 ? 1.5 : 3}"><title>${label}</title></circle>`
        );
      })
    : [];
  const last = curve.last === undefined ? '' : shortNumber(curve.last);
  return [
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeText(title)}">`,
    text(margin.left, 18, title, { fill: 'var(--ink)', weight: 600 }),
    text(right, 18, last, { fill: 'var(--ink)', anchor: 'end' }),
    ...ticks,
    ...stepTicks,
    ...lines,
    ...dots,
    '</svg>',
  ].join('\n');
}

/** Where values stand on an axis, from 0 to 1, and which of them are written beside it. */
function valueAxis(least: number, largest: number) {
  if (least > 0 && largest / least > wide) {
    const [low, high] = [Math.log10(least), Math.log10(largest)];
    const decades = Array.from(
      { length: Math.floor(high) - Math.ceil(low) + 1 },
      (_, i) => Math.ceil(low) + i,
    );
    const every = Math.ceil(decades.length / 5);
    return {
      place: (value: number) => (Math.log10(value) - low) / (high - low),
      ticks: decades.filter((_, i) => i % every === 0).map((decade) => 10 ** decade),
    };
  }
  // A constant has a place too.
  const room = largest > least ? 0 : Math.abs(largest) * 0.1 || 1;
  const [low, high] = [least - room, largest + room];
  const unit = niceUnit((high - low) / 4);
  const first = Math.ceil(low / unit - 1e-9);
  const count = Math.floor(high / unit + 1e-9) - first + 1;
  return {
    place: (value: number) => (value - low) / (high - low),
    ticks: Array.from({ length: count }, (_, i) => (first + i) * unit),
  };
}

/** The next 1, 2 or 5 times a power of ten. */
function niceUnit(size: number): number {
  const decade = 10 ** Math.floor(Math.log10(size));
  return decade * ([1, 2, 5].find((factor) => factor * decade >= size * (1 - 1e-9)) ?? 10);
}

function shortNumber(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  const rounded = Number(value.toPrecision(4));
  return size < 1e-3 || size >= 1e6 ? rounded.toExponential().replace('e+', 'e') : String(rounded);
}

/** An exponential moving average over about the hundredth part of the points, without the pull of its beginning. */
function smoothed(points: readonly CurvePoint[]): CurvePoint[] {
  const keep = Math.max(0, 1 - 1 / Math.max(1, points.length / 100));
  let [sum, weight] = [0, 0];
  return points.map(({ step, value }) => {
    sum = keep * sum + value;
    weight = keep * weight + 1;
    return { step, value: sum / weight };
  });
}
