import type { ArrayFile } from '../../data/formats/array-file.js';
import { openArrayFile } from '../../data/formats/open-array-file.js';
import { ReleasedError } from '../../errors.js';

interface Entry {
  readonly file: Promise<ArrayFile>;
  /** Reads that are going on. */
  users: number;
}

/** Files that stay open for their next use, at most so many: beyond that, those are closed that were not used for longest. */
export class OpenFiles {
  /** In the order of their last use. */
  private readonly entries = new Map<string, Entry>();
  private closed = false;

  constructor(
    private readonly most = 16,
    private readonly open: (path: string) => Promise<ArrayFile> = openArrayFile,
  ) {}

  /** @throws ReleasedError after `close`; what opening the file and `work` throw */
  async use<T>(path: string, work: (file: ArrayFile) => Promise<T>): Promise<T> {
    if (this.closed) throw new ReleasedError(`${path} cannot be read: its data set is closed`);
    const entry = this.entries.get(path) ?? { file: this.open(path), users: 0 };
    this.entries.delete(path);
    this.entries.set(path, entry);
    entry.users++;
    try {
      const file = await entry.file.catch((error: unknown) => {
        // The next use tries again.
        if (this.entries.get(path) === entry) this.entries.delete(path);
        throw error;
      });
      return await work(file);
    } finally {
      entry.users--;
      await this.closeUnused();
    }
  }

  /** Closes every file; those that are being read, when their reads end. */
  async close(): Promise<void> {
    this.closed = true;
    await this.closeUnused();
  }

  private async closeUnused(): Promise<void> {
    const unused: Entry[] = [];
    for (const [path, entry] of this.entries) {
      if (!this.closed && this.entries.size <= this.most) break;
      if (entry.users > 0) continue;
      this.entries.delete(path);
      unused.push(entry);
    }
    for (const { file } of unused) {
      const opened = await file.catch(() => undefined);
      await opened?.close();
    }
  }
}
