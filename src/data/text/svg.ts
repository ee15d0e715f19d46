const FONT_SIZE = 13;
/** Upper estimate of the mean advance of a character of 13 px in any common sans-serif. */
const CHARACTER = 7.6;
const INK = '#1b1f24';

/** `text` as it has to stand in XML. */
export const escapeText = (text: string): string =>
  text
    // Characters that XML forbids even when escaped.
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');

/** A length of the drawing, to a tenth of a pixel. */
export const px = (length: number): string => `${Math.round(length * 10) / 10}`;

/** Width in pixels of text in the usual size, rather over- than underestimated. */
export const textWidth = (text: string): number => [...text].length * CHARACTER;

/** Cuts text that is wider than `width`, with an ellipsis. */
export function shorten(text: string, width: number): string {
  const characters = [...text];
  const fitting = Math.max(1, Math.floor(width / CHARACTER + 1e-6));
  if (characters.length <= fitting) return text;
  const kept = characters.slice(0, fitting - 1).join('');
  return `${kept.trimEnd()}…`;
}

export interface TextStyle {
  anchor?: 'start' | 'middle' | 'end';
  fill?: string;
  size?: number;
  weight?: number;
}

/** A line of text; `y` is its baseline. */
export function text(x: number, y: number, content: string, style: TextStyle = {}): string {
  const { anchor = 'start', fill = INK, size = FONT_SIZE, weight = 400 } = style;
  return (
    `<text x="${px(x)}" y="${px(y)}" text-anchor="${anchor}" fill="${fill}" font-size="${size}"` +
    ` font-weight="${weight}">${escapeText(content)}</text>`
  );
}

/** A straight line, 1 px wide. */
export const line = (x1: number, y1: number, x2: number, y2: number, stroke: string): string =>
  `<line x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}" stroke="${stroke}"/>`;
