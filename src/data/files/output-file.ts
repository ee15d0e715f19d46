import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { FileAccessError, TalError } from '../../errors.js';
import { nodeModule } from '../../node-module.js';
import { fileAccessError } from './byte-source.js';

/** The name of an output that is standard output. */
export const standardOutput = '-';

/** Where an output goes, links followed. */
type Destination = (
  | { readonly kind: 'descriptor'; readonly descriptor: number }
  /** A FIFO or a device. */
  | { readonly kind: 'stream'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string; readonly status?: BigIntStats }
) & {
  /** The same for two names of one file; undefined for a device, which any number of outputs may share. */
  readonly identity: string | undefined;
};

/**
 * Makes sure that an output can be written, so that a long computation does not end in a refusal. Leaves nothing
 * behind, and never waits for the reader of a FIFO. A full disk cannot be foreseen.
 * @param path a file, FIFO, device or descriptor (`/dev/fd/3`); `-` is standard output
 * @throws FileAccessError where the folder is missing or not writable, or `path` is a folder, or is read-only
 */
export async function ensureWritable(path: string): Promise<void> {
  const destination = await destinationOf(path);
  const { access, constants, open, rm } = await nodeModule('node:fs/promises');
  const { dirname } = await nodeModule('node:path');
  try {
    if (destination.kind === 'descriptor') {
      await writeDescriptor(destination.descriptor, new Uint8Array(0));
    } else if (destination.kind === 'stream') {
      await access(destination.path, constants.W_OK);
    } else if (destination.status) {
      await (await open(destination.path, 'r+')).close();
    } else {
      // Writing is the only reliable question: permission bits do not know of read-only mounts or quotas.
      const probe = await temporaryName(dirname(destination.path));
      await (await open(probe, 'wx')).close();
      await rm(probe);
      // The name itself may be impossible where that of the probe is not.
      await access(destination.path).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code !== 'ENOENT') throw cause;
      });
    }
  } catch (cause) {
    throw fileAccessError(nameOf(path), cause, 'write');
  }
}

/**
 * Makes a folder, and sure that files in it can be written.
 * @throws FileAccessError
 */
export async function ensureFolder(folder: string, files: readonly string[]): Promise<void> {
  const { mkdir } = await nodeModule('node:fs/promises');
  const { join } = await nodeModule('node:path');
  await mkdir(folder, { recursive: true }).catch((cause) => {
    throw fileAccessError(folder, cause, 'write');
  });
  for (const file of files) await ensureWritable(join(folder, file));
}

/** What is written: text, bytes, or a function that gives bytes in parts, for what should not be in memory at once. */
export type Content = string | Uint8Array | (() => AsyncIterable<Uint8Array>);

/** The same from its beginning. */
type Parts = Uint8Array | (() => AsyncIterable<Uint8Array>);

/**
 * Writes an output as a whole.
 *
 * A regular file is replaced by rename, so that a crash leaves the old content or the new one; mode, owner and
 * symbolic links stay as they are. It is overwritten in place where a replacement would lose something (hard links,
 * another owner) or is impossible (a mount point, a folder that may not be written). FIFOs, devices and descriptors
 * (`/dev/fd/3`) are written to; `-` is standard output.
 * @throws FileAccessError where `path` cannot be written, or the disk is full; what a function of content throws, with the
 *   old file as it was wherever it is replaced by rename
 */
export async function writeWhole(path: string, content: Content): Promise<void> {
  const destination = await destinationOf(path);
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  try {
    if (destination.kind === 'descriptor') {
      for await (const part of partsOf(bytes)) await writeDescriptor(destination.descriptor, part);
    } else if (destination.kind === 'stream') await writeStream(destination.path, bytes);
    else if (!(await replace(destination.path, bytes, destination.status))) {
      await overwrite(destination.path, bytes);
    }
  } catch (cause) {
    if (cause instanceof TalError) throw cause;
    throw fileAccessError(nameOf(path), cause, 'write');
  }
}

async function* partsOf(content: Parts): AsyncGenerator<Uint8Array> {
  if (typeof content === 'function') yield* content();
  else yield content;
}

/** @returns how many bytes it wrote */
async function writeParts(handle: FileHandle, content: Parts): Promise<number> {
  let length = 0;
  for await (const part of partsOf(content)) {
    await handle.writeFile(part);
    length += part.length;
  }
  return length;
}

/** What tells whether two outputs are one; undefined where they may be. @throws FileAccessError as `ensureWritable` */
export async function outputIdentity(path: string): Promise<string | undefined> {
  return (await destinationOf(path)).identity;
}

/** Whether an output takes one document only, because what was written to it stays written. */
export async function isStream(path: string): Promise<boolean> {
  return (await destinationOf(path)).kind !== 'file';
}

/** Whether an output goes where `console.log` does. */
export async function isStandardOutput(path: string): Promise<boolean> {
  const destination = await destinationOf(path);
  return destination.kind === 'descriptor' && destination.descriptor === 1;
}

const nameOf = (path: string) => (path === standardOutput ? 'standard output' : path);

/** The most links of a path, as Linux counts them. */
const mostLinks = 40;

/** Where an output goes, links followed. @throws FileAccessError where nothing can be written there */
export async function destinationOf(path: string): Promise<Destination> {
  if (path === standardOutput) return descriptorDestination(1, path);
  const refuse = (cause: unknown): never => {
    throw fileAccessError(path, cause, 'write');
  };
  const { lstat, readlink, realpath, stat } = await nodeModule('node:fs/promises');
  const { basename, dirname, join, resolve, sep } = await nodeModule('node:path');
  if (path === '') throw new FileAccessError('Cannot write a file without a name');
  if (path.endsWith('/') || path.endsWith(sep)) {
    throw new FileAccessError(`${path} is the name of a folder: give the name of a file in it`);
  }
  const ownProcess = await realpath('/proc/self').catch(() => '/proc/self');
  let place = path;
  for (let links = 0; links < mostLinks; links++) {
    place = join(await realpath(dirname(place)).catch(refuse), basename(place));
    const folder = dirname(place);
    if (folder === '/dev/fd' || folder === join(ownProcess, 'fd')) {
      const descriptor = Number(basename(place));
      // Opened by name, a socket is refused, and a file is written from its start.
      if (Number.isSafeInteger(descriptor)) return descriptorDestination(descriptor, path);
    }
    // The links of other processes' descriptors name no path.
    const ask = place.startsWith('/proc/') ? stat : lstat;
    const status = await ask(place, { bigint: true }).catch((cause: NodeJS.ErrnoException) =>
      cause.code === 'ENOENT' ? undefined : refuse(cause),
    );
    if (!status) return { kind: 'file', path: place, identity: place };
    if (status.isSymbolicLink()) {
      place = resolve(folder, await readlink(place).catch(refuse));
      continue;
    }
    if (status.isDirectory()) {
      throw new FileAccessError(`${path} is a folder: give the name of a file in it`);
    }
    if (status.isFile()) return { kind: 'file', path: place, status, identity: identityOf(status) };
    if (status.isSocket()) throw new FileAccessError(`Cannot write ${path}: it is a socket`);
    return {
      kind: 'stream',
      path: place,
      identity: status.isFIFO() ? identityOf(status) : undefined,
    };
  }
  return refuse({ code: 'ELOOP' });
}

async function descriptorDestination(descriptor: number, path: string): Promise<Destination> {
  const fs = await nodeModule('node:fs');
  try {
    const status = fs.fstatSync(descriptor, { bigint: true });
    // A terminal is written to by many; that of standard output still takes one document.
    const identity = status.isCharacterDevice() ? `descriptor ${descriptor}` : identityOf(status);
    return { kind: 'descriptor', descriptor, identity };
  } catch (cause) {
    throw fileAccessError(nameOf(path), cause, 'write');
  }
}

const identityOf = ({ dev, ino }: BigIntStats) => `${dev}:${ino}`;

/** Milliseconds between two tries of a descriptor that does not wait. */
const retryMs = 5;

/** Writes all bytes to a descriptor, however often it takes a part only. */
export async function writeDescriptor(descriptor: number, bytes: Uint8Array): Promise<void> {
  const fs = await nodeModule('node:fs');
  if (bytes.length > 0 && (descriptor === 1 || descriptor === 2)) {
    const stream = descriptor === 1 ? process.stdout : process.stderr;
    await new Promise<void>((written, failed) => {
      // Without a listener the event of the error, which the callback tells of too, would end the process.
      const ignore = () => {};
      stream.on('error', ignore);
      stream.write(bytes, (error) => {
        setImmediate(() => stream.off('error', ignore));
        if (error) failed(error);
        else written();
      });
    });
    return;
  }
  let done = 0;
  do {
    try {
      done += fs.writeSync(descriptor, bytes, done);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (bytes.length === 0 && (code === 'EAGAIN' || code === 'EPIPE')) return;
      if (code !== 'EAGAIN') throw error;
      await new Promise((resume) => setTimeout(resume, retryMs));
    }
  } while (done < bytes.length);
}

async function writeStream(path: string, content: Parts): Promise<void> {
  const { constants, open } = await nodeModule('node:fs/promises');
  // Without O_CREAT: a FIFO that was removed must not come back as a file.
  const handle = await open(path, constants.O_WRONLY | (constants.O_NOCTTY ?? 0));
  try {
    await writeParts(handle, content);
  } finally {
    await handle.close();
  }
}

/** Errors that writing in place would meet too, and lose the old content by. */
const outOfSpace = ['ENOSPC', 'EDQUOT', 'EIO', 'EFBIG'];

/** Replaces a file, or makes it, by rename. @returns false where it has to be written in place */
async function replace(path: string, content: Parts, old?: BigIntStats): Promise<boolean> {
  if (old && old.nlink > 1n) return false;
  const { open, rename, rm } = await nodeModule('node:fs/promises');
  const { dirname } = await nodeModule('node:path');
  const temporary = await temporaryName(dirname(path));
  const keep = await removedAtExit(temporary);
  let handle: FileHandle | undefined;
  try {
    // The content of a private file stays private while it is written.
    handle = await open(temporary, 'wx', old ? 0o600 : 0o666);
    await writeParts(handle, content);
    if (old) await likeBefore(handle, old);
    await handle.sync();
    await handle.close();
    handle = undefined;
    await rename(temporary, path);
    return true;
  } catch (cause) {
    await handle?.close().catch(() => {});
    await rm(temporary, { force: true });
    if (!old || cause instanceof TalError || outOfSpace.includes((cause as NodeJS.ErrnoException).code ?? ''))
      throw cause;
    return false;
  } finally {
    keep();
  }
}

/** Gives a new file the owner and the mode of the old one. */
async function likeBefore(handle: FileHandle, { uid, gid, mode }: BigIntStats): Promise<void> {
  const now = await handle.stat({ bigint: true });
  if (now.uid !== uid || now.gid !== gid) await handle.chown(Number(uid), Number(gid));
  await handle.chmod(Number(mode & 0o7777n));
}

async function overwrite(path: string, content: Parts): Promise<void> {
  const { open } = await nodeModule('node:fs/promises');
  const handle = await open(path, 'r+');
  try {
    await handle.truncate(await writeParts(handle, content));
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A name in a folder that no other process uses, short enough wherever a name is. */
async function temporaryName(folder: string): Promise<string> {
  const { join } = await nodeModule('node:path');
  return join(folder, `.tal-${process.pid}-${Math.random().toString(36).slice(2)}.tmp`);
}

const unfinished = new Set<string>();
let cleaning = false;

/** Removes a file where the process ends before the returned function is called. */
async function removedAtExit(path: string): Promise<() => void> {
  const fs = await nodeModule('node:fs');
  if (!cleaning) {
    cleaning = true;
    process.on('exit', () => {
      for (const file of unfinished) fs.rmSync(file, { force: true });
    });
  }
  unfinished.add(path);
  return () => unfinished.delete(path);
}
