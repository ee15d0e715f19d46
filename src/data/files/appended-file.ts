import type { FileHandle } from 'node:fs/promises';
import { nodeModule } from '../../node-module.js';
import { fileAccessError } from './byte-source.js';
import { destinationOf, standardOutput, writeDescriptor } from './output-file.js';

/** An output that grows while the work goes on. */
export interface AppendedFile {
  /** Writes text after what is there; once it returns, the text is on the disk. @throws FileAccessError */
  append(text: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens an output to write on at its end; a file is made where it is missing.
 * @param path a file, FIFO, device or descriptor; `-` is standard output
 * @param length bytes of a file that stay; what comes after them goes
 * @throws FileAccessError
 */
export async function openAppended(path: string, length: number): Promise<AppendedFile> {
  const destination = await destinationOf(path);
  const { constants, open } = await nodeModule('node:fs/promises');
  const failed = (cause: unknown): never => {
    throw fileAccessError(path === standardOutput ? 'standard output' : path, cause, 'write');
  };
  const bytesOf = (text: string) => new TextEncoder().encode(text);
  if (destination.kind === 'descriptor') {
    const { descriptor } = destination;
    return {
      append: (text) => writeDescriptor(descriptor, bytesOf(text)).catch(failed),
      close: async () => {},
    };
  }
  const isFile = destination.kind === 'file';
  // Without O_CREAT: a FIFO that was removed must not come back as a file.
  const handle: FileHandle = await open(
    destination.path,
    isFile ? 'a' : constants.O_WRONLY | (constants.O_NOCTTY ?? 0),
  ).catch(failed);
  if (isFile) {
    await handle.truncate(length).catch(async (cause) => {
      await handle.close();
      failed(cause);
    });
  }
  return {
    async append(text) {
      await handle.writeFile(bytesOf(text)).catch(failed);
      if (isFile) await handle.datasync().catch(failed);
    },
    close: () => handle.close(),
  };
}
