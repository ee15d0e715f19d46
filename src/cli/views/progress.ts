import { Presets, SingleBar } from 'cli-progress';

/** A progress bar on the terminal; where there is none, as in a log file, a line now and then. */
export class Progress {
  readonly #bar: SingleBar;

  /**
   * @param format what stands after the bar, with `{name}` for what `update` is given
   * @param values what stands there before the first update
   */
  constructor(total: number, format: string, values: Readonly<Record<string, string>> = {}) {
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
    this.#bar.start(total, 0, values);
  }

  update(done: number, values: Readonly<Record<string, string>> = {}): void {
    this.#bar.update(done, values);
  }

  stop(): void {
    this.#bar.stop();
  }
}

/** A bar of the megabytes that are read, for `LoadOptions.onProgress`; it shows itself when the total is known. */
export function megabytesProgress(of: string) {
  let progress: Progress | undefined;
  const megabytes = (bytes: number) => Math.ceil(bytes / 1e6);
  return {
    update: (done: number, total: number) => {
      progress ??= new Progress(megabytes(total), of);
      progress.update(megabytes(done));
    },
    stop: () => progress?.stop(),
  };
}
