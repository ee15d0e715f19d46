import type { AbortSignalLike } from '../../abort.js';
import { FileAccessError, FileFormatError } from '../../errors.js';
import { nodeModule } from '../../node-module.js';

/** Bytes that are read by range: a file, or memory. */
export interface ByteSource {
  /** How messages call it: the path, or what the caller said. */
  readonly name: string;
  readonly size: number;
  /** The bytes [offset, offset + length), in memory of their own. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

export function bytesSource(bytes: Uint8Array, name: string): ByteSource {
  return {
    name,
    size: bytes.byteLength,
    // The slice of a Buffer would share its memory.
    read: async (offset, length) => new Uint8Array(bytes.subarray(offset, offset + length)),
    close: async () => {},
  };
}

/** What the operating system refused, as a sentence about `path` that says what to do. */
export function fileAccessError(
  path: string,
  cause: unknown,
  action: 'read' | 'write' = 'read',
): FileAccessError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const reasons: Record<string, string> = {
    ENOENT:
      action === 'read' ? 'it does not exist, check the path' : 'its folder does not exist, create it first',
    ENOTDIR: 'a part of the path is a file, not a folder',
    EISDIR: 'it is a folder',
    EACCES: 'check its permissions',
    EPERM: 'check its permissions',
    EROFS: 'the file system is read-only',
    ENOSPC: 'the disk is full',
    EDQUOT: 'the quota is used up',
    EEXIST: 'it is a file, not a folder',
    ENAMETOOLONG: 'its name is too long',
    ELOOP: 'its symbolic links go in a circle',
    EBADF: 'it is not open for that',
    EPIPE: 'its reader has closed it',
  };
  return new FileAccessError(`Cannot ${action} ${path}: ${reasons[code ?? ''] ?? message}`, { cause });
}

/** A single read call of the operating system takes less than 2 GiB. */
const READ_CHUNK = 2 ** 30;

/**
 * Opens a file for reading by range.
 * @param signal when it is aborted, readings reject with its reason
 * @throws FileAccessError where it is missing, no regular file, or may not be read
 */
export async function openSource(path: string, signal?: AbortSignalLike): Promise<ByteSource> {
  signal?.throwIfAborted();
  const { open, stat } = await nodeModule('node:fs/promises');
  const refuse = (cause: unknown): never => {
    throw fileAccessError(path, cause);
  };
  const status = await stat(path).catch(refuse);
  // Asked before opening: a pipe would keep us waiting for its writer.
  if (!status.isFile())
    throw new FileAccessError(`${path} is not a file${status.isDirectory() ? ' but a folder' : ''}`);
  const handle = await open(path, 'r').catch(refuse);
  return {
    name: path,
    size: status.size,
    read: async (offset, length) => {
      signal?.throwIfAborted();
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const wanted = Math.min(READ_CHUNK, length - done);
        const { bytesRead } = await handle.read(bytes, done, wanted, offset + done).catch(refuse);
        if (bytesRead === 0) {
          throw new FileFormatError(`${path} ends at byte ${offset + done}: it was cut while being read`);
        }
        done += bytesRead;
      }
      return bytes;
    },
    close: () => handle.close(),
  };
}

/**
 * A whole file.
 * @throws FileAccessError where it is missing, a folder, or may not be read
 */
export async function readBytes(path: string): Promise<Uint8Array> {
  const source = await openSource(path);
  try {
    return await source.read(0, source.size);
  } finally {
    await source.close();
  }
}

/** What is read of a pipe or a device at most. */
const streamLimit = 2 ** 28;

/** Names of standard input. A socket there cannot be opened by its path. */
const standardInputs = ['-', '/dev/stdin', '/dev/fd/0', '/proc/self/fd/0'];

/**
 * A whole file, or all that a pipe, a device or standard input (`-`) gives, 256 MiB at most. Waits for the writer of a pipe.
 * @throws FileAccessError where it is missing, a folder, may not be read, or gives more
 */
export async function readInput(path: string): Promise<Uint8Array> {
  const { createReadStream } = await nodeModule('node:fs');
  const { stat } = await nodeModule('node:fs/promises');
  if (standardInputs.includes(path)) return readStream(process.stdin, 'standard input');
  const status = await stat(path).catch(() => undefined);
  if (!status || status.isFile() || status.isDirectory()) return readBytes(path);
  return readStream(createReadStream(path), path);
}

async function readStream(stream: NodeJS.ReadableStream, name: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of stream as AsyncIterable<Uint8Array>) {
      parts.push(part);
      size += part.length;
      if (size > streamLimit) break;
    }
  } catch (cause) {
    throw fileAccessError(name, cause);
  }
  if (size > streamLimit) {
    throw new FileAccessError(
      `${name} gives more than ${streamLimit / 2 ** 20} MiB: write it to a file first`,
    );
  }
  const bytes = new Uint8Array(size);
  let done = 0;
  for (const part of parts) {
    bytes.set(part, done);
    done += part.length;
  }
  return bytes;
}

/**
 * A JSON file, a pipe or a device (`readInput`).
 * @throws FileAccessError where it cannot be read, FileFormatError where it is not JSON
 */
export async function readJson(path: string): Promise<unknown> {
  return parseJson(await readBytes(path), path);
}

/** @throws FileFormatError where the bytes are not JSON */
export function parseJson(bytes: Uint8Array, name: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new FileFormatError(`${name} is not JSON: ${(cause as Error).message}`, { cause });
  }
}
