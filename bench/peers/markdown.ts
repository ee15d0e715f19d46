import type { PeerRow, PeersResult } from './main.js';

/**
 * The table of a result for the README: a row a job, ours in milliseconds and GFLOP/s, each peer's time as a
 * multiple of ours (median, and the range of the rounds).
 */
export function peersMarkdown({ device, peers, rows }: PeersResult): string {
  const [own, ...others] = peers;
  const lines = [
    table([
      '',
      `${own!.name} ${own!.version}`,
      ...others.map(({ name, version }) => `${name} ${version ?? ''}`.trim()),
    ]),
    table(['---', ...peers.map(() => '---:')]),
  ];
  const jobs = new Map(rows.map((row) => [`${row.operation} ${row.size}`, row]));
  for (const [job, { operation, size }] of jobs) {
    const ofJob = rows.filter((row) => row.operation === operation && row.size === size);
    const cells = others.map(({ name, reason }) => (reason ? 'not loaded' : cell(ofJob, name)));
    const ownRow = ofJob.find(({ peer }) => peer === own!.name);
    lines.push(table([job, ownRow ? ownCell(ownRow) : '–', ...cells]));
  }
  const machine = [device.description, device.cpu, `Node ${device.node}`, device.platform].join('; ');
  return [`f32, times this package's time, median (min–max of the rounds); ${machine}.`, '', ...lines].join(
    '\n',
  );
}

function ownCell({ timing, gflops, gigabytes, reason }: PeerRow): string {
  if (!timing) return reason!;
  const rate =
    gflops! >= 2 * gigabytes! ? `${gflops!.toPrecision(3)} GFLOP/s` : `${gigabytes!.toPrecision(3)} GB/s`;
  return `${timing.median.toPrecision(3)} ms, ${rate}`;
}

/** The fastest way of a peer that is right, and that of its wrong ones. */
function cell(rows: readonly PeerRow[], peer: string): string {
  const timed = rows.filter((row) => row.peer === peer && row.timesOurs);
  const right = fastest(timed.filter(({ reason }) => !reason));
  const wrong = fastest(timed.filter(({ reason }) => reason));
  return [right, wrong && `wrong: ${wrong}`].filter(Boolean).join('; ') || '–';
}

function fastest(rows: readonly PeerRow[]): string {
  if (rows.length === 0) return '';
  const best = rows.reduce((a, b) => (a.timesOurs!.median <= b.timesOurs!.median ? a : b));
  const { median, min, max } = best.timesOurs!;
  return `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`;
}

function table(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
