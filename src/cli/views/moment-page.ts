import { escapeText } from '../../data/text/svg.js';
import { OptionError } from '../../errors.js';
import { type MapScale, type MomentMap, mapLegend, momentMap } from './moment-map.js';
import { type MomentStrip, momentStrip } from './moment-strip.js';

/** A query, what was found for it in a video, and how. */
export interface MomentPage extends MomentStrip {
  readonly title: string;
  /** A line below the title. */
  readonly subtitle?: string;
  readonly query: string;
  /** A line below the moments. */
  readonly note?: string;
  /** The map at several steps, the noise first. */
  readonly maps: readonly MomentMap[];
  /** Clips on each side of the maps. */
  readonly clips: number;
  /** Default: `duration` / `clips`. */
  readonly secondsPerClip?: number;
  /** Values of the maps with the first and the last colour; default 0 and 1. */
  readonly range?: readonly [low: number, high: number];
}

const STYLE = `
:root {
  color-scheme: light dark;
  --surface: #ffffff; --ink: #1b1f24; --muted: #5b6470; --rule: #e3e7ec;
  --truth: #d55e00; --prediction: #0072b2;
}
@media (prefers-color-scheme: dark) {
  :root {
    --surface: #14171c; --ink: #e8ebef; --muted: #9aa4b1; --rule: #2b313a;
    --truth: #f0853a; --prediction: #56b4e9;
  }
}
body {
  margin: 2rem auto; padding: 0 1rem; max-width: 1000px; background: var(--surface); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif;
}
h1 { margin: 0; font-size: 1.35rem; }
h2 { margin: 2rem 0 0.25rem; font-size: 1rem; }
p { margin: 0.25rem 0; color: var(--muted); }
blockquote {
  margin: 1.25rem 0; padding: 0.6rem 1rem; border-left: 4px solid var(--prediction); border-radius: 3px;
  background: color-mix(in srgb, var(--prediction) 9%, transparent); font-size: 1.15rem;
}
svg { display: block; width: 100%; height: auto; font-family: inherit; }
.legend { max-width: 540px; margin: 0.5rem 0; }
.maps { display: grid; grid-template-columns: repeat(auto-fill, minmax(290px, 1fr)); gap: 0.75rem 1.25rem; }
`;

/**
 * A standalone HTML page, light or dark as the reader's system: frames along the time line with the query, the
 * true and the predicted spans, and the map of moments at several steps of its denoising.
 * @throws OptionError where the duration is not positive or a map is not [clips, clips]
 */
export function renderMomentPage(page: MomentPage): string {
  const { title, subtitle, note, duration, query, maps, clips } = page;
  if (!(duration > 0 && duration < Infinity)) {
    throw new OptionError(`A page needs a positive duration in seconds, got ${duration}`);
  }
  const misfit = maps.find(({ values }) => values.length !== clips * clips);
  if (misfit) {
    throw new OptionError(
      `A map of ${clips} clips has ${clips * clips} values; "${misfit.label}" has ${misfit.values.length}`,
    );
  }
  const best = page.predictions[0]?.segment;
  const scale: MapScale = {
    clips,
    secondsPerClip: page.secondsPerClip ?? duration / clips,
    range: page.range ?? [0, 1],
    ...(page.truth && { truth: page.truth }),
    ...(best && { best }),
  };
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeText(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeText(title)}</h1>
${subtitle === undefined ? '' : `<p>${escapeText(subtitle)}</p>`}
<blockquote>${escapeText(query)}</blockquote>
${momentStrip(page)}
${note === undefined ? '' : `<p>${escapeText(note)}</p>`}
${maps.length === 0 ? '' : mapSection(maps, scale)}
</body>
</html>
`;
}

const mapSection = (maps: readonly MomentMap[], scale: MapScale): string => `<h2>From noise to moments</h2>
<p>Each cell is a candidate moment, by its start and its duration.</p>
${mapLegend(scale)}
<div class="maps">
${maps.map((map, i) => momentMap(map, scale, `map-${i}`)).join('\n')}
</div>`;
