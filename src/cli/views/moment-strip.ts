import { encodePng } from '../../data/formats/png.js';
import { escapeText, line, px, shorten, text, textWidth } from '../../data/text/svg.js';
import type { FrameShape } from '../../data/video/frame.js';
import { type ScoredSegment, type Segment, temporalIoU } from '../../time/segment.js';
import { formatTime, tickStep } from './time-ticks.js';

export interface MomentStrip {
  /** Seconds. */
  readonly duration: number;
  /** Evenly spaced over the video. */
  readonly frames: readonly Uint8Array[];
  readonly frameShape: FrameShape;
  /** What happens in the video, where that is known. */
  readonly actions?: readonly { readonly label: string; readonly segment: Segment }[];
  /** The true span, where it is known. */
  readonly truth?: Segment;
  /** Best first. */
  readonly predictions: readonly ScoredSegment[];
}

// Lengths in pixels of a drawing that is 1000 wide.
const WIDTH = 1000;
const LEFT = 118;
const RIGHT = 110;
const PLOT = WIDTH - LEFT - RIGHT;
const GAP = 8;
const ROW = 26;
const BAR = 18;
/** Baseline of a caption in its row. */
const BASELINE = 17;

/** A PNG file as the address of a picture. */
export const pngAddress = (pixels: Uint8Array, shape: FrameShape): string =>
  `data:image/png;base64,${toBase64(encodePng(pixels, shape))}`;

function toBase64(bytes: Uint8Array): string {
  let characters = '';
  for (const byte of bytes) characters += String.fromCharCode(byte);
  return btoa(characters);
}

/**
 * The frames of a video along its time, what happens in it, the true span, and the predicted spans below each
 * other, best first, each with its score and its overlap with the true one: an SVG element. Its colours are the
 * page's variables --ink, --muted, --rule, --surface, --truth and --prediction.
 */
export function momentStrip(strip: MomentStrip): string {
  const { duration, frames, frameShape, actions = [], truth, predictions } = strip;
  const at = (seconds: number) => LEFT + (Math.min(duration, Math.max(0, seconds)) / duration) * PLOT;
  const bar = (segment: Segment, y: number, colour: string, opacity: number, tooltip: string) => {
    const [x, end] = segment.map(at) as [number, number];
    const box = `x="${px(x)}" y="${px(y + (ROW - BAR) / 2)}" width="${px(Math.max(3, end - x))}" height="${BAR}"`;
    return (
      `<rect ${box} rx="3" fill="${colour}" fill-opacity="${opacity}" stroke="${colour}">` +
      `<title>${escapeText(tooltip)}</title></rect>`
    );
  };
  const name = (label: string, y: number) =>
    text(LEFT - 12, y + BASELINE, label, { anchor: 'end', fill: 'var(--muted)' });

  const frameWidth = PLOT / Math.max(1, frames.length);
  const frameHeight = frames.length > 0 ? Math.min(96, (frameWidth * 3) / 4) : 0;
  const pictures = frames.map(
    (pixels, i) =>
      `<image x="${px(LEFT + i * frameWidth)}" y="0" width="${px(frameWidth)}" height="${px(frameHeight)}"` +
      ` preserveAspectRatio="none" href="${pngAddress(pixels, frameShape)}"/>`,
  );
  const rows: string[] = [];
  let y = frameHeight + GAP;
  const axisTop = y;
  if (actions.length > 0) {
    rows.push(name('what happens', y));
    for (const { label, segment } of actions) {
      const [x, end] = segment.map(at) as [number, number];
      rows.push(bar(segment, y, 'var(--muted)', 0.12, `${label}: ${seconds(segment)}`));
      const short = shorten(label, end - x - 6);
      if (textWidth(short) <= end - x - 4) {
        rows.push(
          text((x + end) / 2, y + BASELINE - 0.5, short, { anchor: 'middle', size: 11, fill: 'var(--ink)' }),
        );
      }
    }
    y += ROW;
  }
  /** A bar with its span in words: after it, else before it, else in it. */
  const span = (segment: Segment, colour: string, opacity: number, tooltip: string) => {
    const caption = seconds(segment);
    const [start, end] = segment.map(at) as [number, number];
    const width = textWidth(caption) + 8;
    const [x, anchor] =
      end + width <= LEFT + PLOT
        ? ([end + 8, 'start'] as const)
        : start - width >= LEFT
          ? ([start - 8, 'end'] as const)
          : ([start + 8, 'start'] as const);
    rows.push(bar(segment, y, colour, opacity, tooltip));
    rows.push(text(x, y + BASELINE, caption, { anchor, size: 12, fill: 'var(--ink)' }));
  };
  if (truth) {
    rows.push(name('true span', y));
    span(truth, 'var(--truth)', 0.85, `true span: ${seconds(truth)}`);
    y += ROW;
  }
  for (const [i, { segment, score }] of predictions.entries()) {
    const overlap = truth ? `IoU ${temporalIoU(segment, truth).toFixed(2)}` : '';
    rows.push(name(`${i + 1}. score ${score.toFixed(2)}`, y));
    span(segment, 'var(--prediction)', i === 0 ? 0.8 : 0.35, `prediction ${i + 1}: ${seconds(segment)}`);
    rows.push(
      text(WIDTH - RIGHT + 16, y + BASELINE, overlap, { weight: i === 0 ? 600 : 400, fill: 'var(--ink)' }),
    );
    y += ROW;
  }
  const bottom = y + 2;
  return [
    `<svg viewBox="0 0 ${WIDTH} ${px(bottom + 44)}" role="img" aria-label="Frames and spans along the time">`,
    ...pictures,
    drawAxis(duration, axisTop, bottom),
    ...rows,
    '</svg>',
  ].join('\n');
}

const seconds = ([start, end]: Segment): string => `${start.toFixed(1)}–${end.toFixed(1)} s`;

function drawAxis(duration: number, top: number, bottom: number): string {
  const step = tickStep(duration, PLOT);
  const parts: string[] = [];
  for (let tick = 0; tick * step <= duration * (1 + 1e-9); tick++) {
    const x = LEFT + ((tick * step) / duration) * PLOT;
    parts.push(line(x, top, x, bottom + 5, 'var(--rule)'));
    const label = formatTime(tick * step, step);
    parts.push(text(x, bottom + 19, label, { anchor: 'middle', size: 12, fill: 'var(--muted)' }));
  }
  parts.push(line(LEFT, bottom, LEFT + PLOT, bottom, 'var(--muted)'));
  const unit = step <= 10 ? 'seconds' : duration < 3600 ? 'm:ss' : 'h:mm:ss';
  parts.push(
    text(LEFT + PLOT, bottom + 38, `time (${unit})`, { anchor: 'end', size: 12, fill: 'var(--muted)' }),
  );
  return parts.join('\n');
}
