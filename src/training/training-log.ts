import { fileAccessError, readBytes } from '../data/files/byte-source.js';
import { writeWhole } from '../data/files/output-file.js';
import { FileAccessError } from '../errors.js';
import { nodeModule } from '../node-module.js';
import type { TrainingPlace } from './training-state.js';

/** A line of the log: a step. */
export interface StepLine {
  /** Steps done. */
  readonly step: number;
  /** The sum of the parts. Null stands for what is no number. */
  readonly loss: number | null;
  readonly parts: Readonly<Record<string, number | null>>;
  /** By group of weights. */
  readonly learningRates: Readonly<Record<string, number>>;
  /** That the step took. */
  readonly seconds: number;
}

/** A line of the log: a validation after a step. */
export interface ValidationLine {
  readonly step: number;
  readonly validation: Readonly<Record<string, number | null>>;
}

export type LogLine = StepLine | ValidationLine;

/** The log of a run, a line for each step and each validation. */
export class TrainingLog {
  #waiting = '';

  private constructor(readonly path: string) {}

  /**
   * Opens a log and cuts it to what the state of the run has: what comes after is done again.
   * @param each gets the lines that stay
   * @throws FileAccessError
   */
  static async open(
    path: string,
    place: Pick<TrainingPlace, 'step' | 'validated'>,
    each: (line: LogLine) => void,
  ): Promise<TrainingLog> {
    // A log that is missing begins; one that is a FIFO keeps nothing.
    const before = await readBytes(path).catch((error) => {
      if (error instanceof FileAccessError) return new Uint8Array(0);
      throw error;
    });
    let kept = '';
    for (const text of new TextDecoder().decode(before).split('\n')) {
      const line = lineOf(text);
      if (!line || line.step > ('validation' in line ? place.validated : place.step)) continue;
      kept += `${text}\n`;
      each(line);
    }
    await writeWhole(path, kept);
    return new TrainingLog(path);
  }

  /** Keeps a line for the next `flush`. */
  write(line: LogLine): void {
    this.#waiting += `${JSON.stringify(line)}\n`;
  }

  /** @throws FileAccessError */
  async flush(): Promise<void> {
    const { appendFile } = await nodeModule('node:fs/promises');
    const text = this.#waiting;
    this.#waiting = '';
    if (!text) return;
    await appendFile(this.path, text).catch((cause) => {
      throw fileAccessError(this.path, cause, 'write');
    });
  }
}

/** A line of a log that may have been cut off anywhere; undefined where it is none. */
function lineOf(text: string): LogLine | undefined {
  try {
    const line = JSON.parse(text) as Partial<StepLine & ValidationLine> | null;
    if (!line || !Number.isSafeInteger(line.step)) return undefined;
    const parts = line.validation ?? line.parts;
    return typeof parts === 'object' && parts !== null ? (line as LogLine) : undefined;
  } catch {
    return undefined;
  }
}
