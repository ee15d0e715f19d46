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
  WIDTH,
} from '../../data/text/svg.js';
import type { DatasetReport } from '../../datasets/check/check-dataset.js';
import type { LengthSummary, SplitSummary } from '../../datasets/check/dataset-summary.js';

// All lengths are in pixels.
const LABELS = 200;
const VALUES = 90;
const BAR = 12;
const ROW_GAP = 8;
const HEADING = 26;
const PANEL_GAP = 30;
const LEFT = MARGIN + LABELS;
const PLOT = WIDTH - LEFT - MARGIN - VALUES;
/** Classes that are drawn of many: the most frequent. */
const MOST_CLASSES = 60;

/** Draws what a data set holds: lengths of videos and segments by split, and how often each class occurs. */
export function datasetOverview(report: DatasetReport, path: string): string {
  const { name, faults } = report;
  const { splits, classes } = report.summary;
  const colourOf = (split: string) =>
    PALETTE[splits.findIndex((one) => one.split === split) % PALETTE.length]!;
  const panels = [
    lengthPanel('Length of videos: least, median, most', splits, ({ videos }) => videos, colourOf),
    lengthPanel('Length of segments: least, median, most', splits, ({ segments }) => segments, colourOf),
    lengthPanel(
      'Length of moments of queries: least, median, most',
      splits,
      ({ moments }) => moments,
      colourOf,
    ),
    classPanel(report, colourOf),
  ].filter((panel) => panel !== undefined);
  let bottom = 84;
  const drawn = panels.map(({ height, draw }) => {
    const content = draw(bottom);
    bottom += height + PANEL_GAP;
    return content;
  });
  const videos = splits.map(({ split, videos: { count } }) => `${count} in ${split}`).join(', ');
  const found = faults.length === 0 ? 'no faults' : `${faults.length} fault${faults.length === 1 ? '' : 's'}`;
  const subtitle = `videos: ${videos || 'none'}; ${classes.length} classes; ${found}`;
  return drawingFile(drawing(name, subtitle, bottom, drawn), name, path);
}

interface Panel {
  readonly height: number;
  draw(top: number): string;
}

interface Bar {
  readonly from: number;
  readonly to: number;
  readonly colour: string;
  readonly value: string;
  /** A line across the bar. */
  readonly mark?: number;
}

interface Row {
  readonly label: string;
  readonly bars: readonly Bar[];
}

function lengthPanel(
  heading: string,
  splits: readonly SplitSummary[],
  of: (split: SplitSummary) => LengthSummary,
  colourOf: (split: string) => string,
): Panel | undefined {
  const known = splits.filter((split) => of(split).count > 0);
  if (known.length === 0) return undefined;
  const rows = known.map((split): Row => {
    const { least, median, most } = of(split);
    const value = [least, median, most].map(seconds).join(' · ');
    return {
      label: split.split,
      bars: [{ from: least, to: most, mark: median, colour: colourOf(split.split), value }],
    };
  });
  return rowPanel(`${heading} (seconds)`, rows);
}

function classPanel(
  { summary: { splits, classes } }: DatasetReport,
  colourOf: (split: string) => string,
): Panel | undefined {
  const total = (counts: Readonly<Record<string, number>>) =>
    Object.values(counts).reduce((a, b) => a + b, 0);
  const used = splits.filter(({ split }) => classes.some(({ bySplit }) => bySplit[split]! > 0));
  if (used.length === 0) return undefined;
  const sorted = [...classes].sort((a, b) => total(b.bySplit) - total(a.bySplit));
  const rows = sorted.slice(0, MOST_CLASSES).map(
    ({ label, bySplit }): Row => ({
      label,
      bars: used.map(({ split }) => ({
        from: 0,
        to: bySplit[split]!,
        colour: colourOf(split),
        value: `${bySplit[split]}`,
      })),
    }),
  );
  const left = sorted.length > MOST_CLASSES ? `, the ${MOST_CLASSES} most frequent of ${sorted.length}` : '';
  return rowPanel(
    `Segments, or labelled videos, of each class${left}: ${used.map(({ split }) => split).join(', ')}`,
    rows,
  );
}

/** Bars by row, all on one scale from 0. */
function rowPanel(heading: string, rows: readonly Row[]): Panel {
  const most = Math.max(...rows.flatMap(({ bars }) => bars.map(({ to }) => to)));
  const at = (value: number) => LEFT + (most > 0 ? value / most : 0) * PLOT;
  const rowHeight = ({ bars }: Row) => bars.length * (BAR + 2) + ROW_GAP;
  return {
    height: HEADING + rows.reduce((sum, row) => sum + rowHeight(row), 0),
    draw(top) {
      const parts = [text(MARGIN, top, heading, { fill: MUTED, size: 12, weight: 600 })];
      let y = top + HEADING - 12;
      for (const row of rows) {
        const name = shorten(row.label, LABELS - 16);
        const middle = y + (rowHeight(row) - ROW_GAP) / 2 + 4;
        parts.push(`<g><title>${escapeText(row.label)}</title>${text(MARGIN, middle, name)}</g>`);
        for (const { from, to, colour, value, mark } of row.bars) {
          const width = Math.max(1, at(to) - at(from));
          const box = `x="${px(at(from))}" y="${px(y)}" width="${px(width)}" height="${BAR}"`;
          parts.push(`<rect ${box} fill="${colour}" fill-opacity="0.75"/>`);
          if (mark !== undefined) parts.push(line(at(mark), y - 2, at(mark), y + BAR + 2, '#1b1f24'));
          parts.push(text(at(to) + 6, y + BAR - 2, value, { fill: MUTED, size: 11 }));
          y += BAR + 2;
        }
        y += ROW_GAP;
      }
      parts.push(line(LEFT, top + HEADING - 16, LEFT, y - ROW_GAP + 2, RULE));
      return parts.join('\n');
    },
  };
}

const seconds = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0));
