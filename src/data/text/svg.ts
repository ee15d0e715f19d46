const FONT_SIZE = 13;
/** Upper estimate of the mean advance of a character of 13 px in any common sans-serif. */
const CHARACTER = 7.6;
const INK = '#1b1f24';
export const MUTED = '#5b6470';
export const RULE = '#e3e7ec';

/** Okabe and Ito's palette for colour-blind readers, without its black and its yellow, too pale on white. */
export const PALETTE = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#56B4E9', '#E69F00'];

/** Width of a drawing in pixels, and what stays free at its sides. */
export const WIDTH = 1000;
export const MARGIN = 24;

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

/** A standalone SVG document, `WIDTH` wide, with a title and a line below it; its content begins at 56, or 78 with that line. */
export function drawing(
  title: string,
  subtitle: string | undefined,
  height: number,
  content: readonly string[],
): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${px(height)}"` +
      ` viewBox="0 0 ${WIDTH} ${px(height)}" role="img"` +
      ` font-family="system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif">`,
    `<title>${escapeText(title)}</title>`,
    `<rect width="${WIDTH}" height="${px(height)}" fill="#ffffff"/>`,
    text(MARGIN, 34, shorten(title, (WIDTH - 2 * MARGIN) / 1.45), { size: 19, weight: 600 }),
    ...(subtitle === undefined
      ? []
      : [text(MARGIN, 55, shorten(subtitle, WIDTH - 2 * MARGIN), { fill: MUTED })]),
    ...content,
    '</svg>\n',
  ].join('\n');
}

/** A drawing as the content of a file: an HTML page where `path` ends in .html or .htm, else the SVG itself. */
export function drawingFile(svg: string, title: string, path: string): string {
  if (!/\.html?$/i.test(path)) return svg;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeText(title)}</title>
<style>
body { margin: 2rem auto; max-width: ${WIDTH}px; background: #ffffff; }
svg { display: block; width: 100%; height: auto; }
</style>
</head>
<body>
${svg}</body>
</html>
`;
}
