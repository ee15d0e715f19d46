import { FileFormatError } from '../errors.js';
import type { DatasetFault, OnFault } from './fault.js';

/** Where faults go that are found while a data set is opened. */
export class FaultReport {
  constructor(private readonly onFault: OnFault | undefined) {}

  /** Something that can't be used. @throws FileFormatError where nobody wants to be told */
  refuse(fault: DatasetFault): void {
    if (!this.onFault) throw new FileFormatError(fault.message);
    this.onFault(fault);
  }

  /** Something that can be used once it is cut, or left out: published annotations have some. */
  note(fault: DatasetFault): void {
    this.onFault?.(fault);
  }

  /** For readers of files: what is told of an entry that is passed over; undefined where it is thrown. */
  get onRefused(): ((error: FileFormatError) => void) | undefined {
    const { onFault } = this;
    return onFault && (({ message }) => onFault({ kind: 'entry', message }));
  }

  /** Runs what reads a file; undefined where the file is refused, and passed over. */
  async file<T>(read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!this.onFault || !(error instanceof FileFormatError)) throw error;
      this.onFault({ kind: 'file', message: error.message });
      return undefined;
    }
  }
}
