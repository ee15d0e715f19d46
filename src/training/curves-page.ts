import { escapeText } from '../data/text/svg.js';
import { Curve } from './curve.js';
import { type ChartOptions, curveChart } from './curve-chart.js';
import type { LogLine } from './training-log.js';

/** How a run stands. */
export interface RunStatus {
  /** What the page is called. */
  readonly title: string;
  /** Steps done. */
  readonly step: number;
  readonly steps: number;
  readonly state: 'running' | 'stopped' | 'done';
  readonly best?: { readonly metric: string; readonly step: number; readonly value: number };
}

/** Seconds after which the page of a run that goes on is read again. */
const refresh = 15;

const style = `
:root {
  color-scheme: light dark;
  --surface: #ffffff; --ink: #1b1f24; --muted: #5b6470; --rule: #e3e7ec; --curve: #0072b2; --best: #d55e00;
}
@media (prefers-color-scheme: dark) {
  :root { --surface: #14171c; --ink: #e8ebef; --muted: #9aa4b1; --rule: #2b313a; --curve: #56b4e9; --best: #f0853a; }
}
body {
  margin: 2rem auto; padding: 0 1rem; max-width: 1000px; background: var(--surface); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif;
}
h1 { margin: 0; font-size: 1.35rem; }
h2 { margin: 1.75rem 0 0.25rem; font-size: 1rem; }
p { margin: 0.25rem 0; color: var(--muted); }
svg { display: block; width: 100%; height: auto; font-family: inherit; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 0.75rem 1.25rem; }
.rule { stroke: var(--rule); }
.curve { fill: none; stroke: var(--curve); stroke-width: 1.75; stroke-linejoin: round; }
.raw { fill: none; stroke: var(--curve); opacity: 0.3; }
.mark { fill: var(--curve); }
.best { fill: var(--best); }
`;

/** The curves of a run: losses, validation metrics, learning rates. */
export class TrainingCurves {
  readonly #loss = new Curve();
  readonly #parts = new Map<string, Curve>();
  readonly #rates = new Map<string, Curve>();
  readonly #metrics = new Map<string, Curve>();

  /** Takes in a line of the log. */
  add(line: LogLine): void {
    const { step } = line;
    const each = (curves: Map<string, Curve>, values: Readonly<Record<string, number | null>>) => {
      for (const [name, value] of Object.entries(values)) {
        const curve = curves.get(name) ?? new Curve();
        curves.set(name, curve);
        curve.add(step, value);
      }
    };
    if ('validation' in line) {
      each(this.#metrics, line.validation);
      return;
    }
    this.#loss.add(step, line.loss);
    each(this.#parts, line.parts);
    each(this.#rates, line.learningRates);
  }

  /** A standalone HTML page; while the run goes on, browsers read it anew from time to time. */
  page({ title, step, steps, state, best }: RunStatus): string {
    const whole = steps.toLocaleString('en');
    const lines = [
      `Step ${step.toLocaleString('en')} of ${whole}, ${state}.`,
      ...(best
        ? [
            `Best ${best.metric}: ${Number(best.value.toPrecision(6))}, after step ${best.step.toLocaleString('en')}.`,
          ]
        : []),
    ];
    const charts = (curves: ReadonlyMap<string, Curve>, options: Omit<ChartOptions, 'title' | 'steps'>) =>
      [...curves]
        .filter(([, { points }]) => points.length > 0)
        .map(([name, curve]) => curveChart(curve, { title: name, steps, ...options }));
    const loss =
      this.#loss.points.length > 0
        ? [curveChart(this.#loss, { title: 'all parts', steps, smooth: true, width: 960 })]
        : [];
    const marks = best ? { best: best.step } : {};
    return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
${state === 'running' ? `<meta http-equiv="refresh" content="${refresh}">\n` : ''}<title>${escapeText(title)}</title>
<style>${style}</style>
</head>
<body>
<h1>${escapeText(title)}</h1>
${lines.map((line) => `<p>${escapeText(line)}</p>`).join('\n')}
${section('Loss', loss, false)}
${section('Parts of the loss', this.#parts.size > 1 ? charts(this.#parts, { smooth: true }) : [])}
${section('Validation', charts(this.#metrics, { marks }))}
${section('Learning rate', charts(this.#rates, {}))}
</body>
</html>
`;
  }
}

function section(title: string, charts: readonly string[], grid = true): string {
  if (charts.length === 0) return '';
  const all = charts.join('\n');
  return `<h2>${title}</h2>\n${grid ? `<div class="charts">\n${all}\n</div>` : all}`;
}
