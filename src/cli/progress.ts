import { Presets, SingleBar } from 'cli-progress';

/** A progress bar on the terminal; where there is none, as in a log file, a line now and then. */
export class Progress {
  readonly #bar: SingleBar;

  /** @param format what stands behind the bar, with `{name}` for what `update` is given */
  constructor(total: number, format: string, start = 0) {
    this.#bar = new SingleBar(
      {
        format: `{bar} {percentage}% | {value}/{total} | {eta_formatted} left | ${format}`,
        etaBuffer: 30,
        hideCursor: true,
        noTTYOutput: !process.stderr.isTTY,
        notTTYSchedule: 30_000,
        stream: process.stderr,
      },
      Presets.shades_classic,
    );
    this.#bar.start(total, start);
  }

  update(done: number, values: Readonly<Record<string, string>> = {}): void {
    this.#bar.update(done, values);
  }

  stop(): void {
    this.#bar.stop();
  }
}
