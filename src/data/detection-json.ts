import { FileAccessError, OptionError } from '../errors.js';
import { nodeModule } from '../node-module.js';
import { fileAccessError } from './byte-source.js';

/** An action found in a video. */
export interface Detection {
  label: string;
  /** Confidence; any finite number, higher is better. */
  score: number;
  /** [start, end] in seconds. */
  segment: readonly [start: number, end: number];
}

/** The submission format of the ActivityNet detection task, which its evaluation toolkit reads. */
export interface DetectionFile {
  version: string;
  results: Record<string, Detection[]>;
  external_data: { used: boolean; details?: string };
}

/**
 * @param results detections by video
 * @param externalData what was used beyond the benchmark's own training data, e.g. pretrained features
 * @throws OptionError where a score or a bound is not finite, or a segment ends before it starts
 */
export function detectionFile(
  results: Readonly<Record<string, readonly Detection[]>>,
  externalData?: string,
): DetectionFile {
  for (const [video, detections] of Object.entries(results)) {
    for (const { label, score, segment } of detections) {
      const [start, end] = segment;
      if (![score, start, end].every(Number.isFinite) || start > end) {
        throw new OptionError(`${video}: ${label} [${start}, ${end}] of score ${score} is no detection`);
      }
    }
  }
  return {
    version: 'VERSION 1.3',
    results: Object.fromEntries(
      Object.entries(results).map(([video, detections]) => [
        video,
        detections.map(({ label, score, segment }) => ({ label, score, segment })),
      ]),
    ),
    external_data: externalData === undefined ? { used: false } : { used: true, details: externalData },
  };
}

/** A name beside `path` that no other process uses. */
const temporaryName = (path: string) => `${path}.${process.pid}.${Math.random().toString(36).slice(2)}.tmp`;

/**
 * Makes sure that `path` can be written, so that a long computation does not end in a refusal. Leaves nothing
 * behind.
 * @throws FileAccessError where the folder is missing or not writable, or `path` is a folder
 */
export async function ensureWritable(path: string): Promise<void> {
  const { rm, stat, writeFile } = await nodeModule('node:fs/promises');
  const existing = await stat(path).catch(() => undefined);
  if (existing?.isDirectory())
    throw new FileAccessError(`${path} is a folder: give the name of a file in it`);
  // Writing is the only reliable question: permission bits do not know of read-only mounts or quotas.
  const probe = temporaryName(path);
  try {
    await writeFile(probe, '', { flag: 'wx' });
    await rm(probe);
  } catch (cause) {
    throw fileAccessError(path, cause, 'write');
  }
}

/**
 * Writes a file as a whole or not at all: to a temporary file beside it, which is then renamed.
 * @throws FileAccessError where the folder is missing or not writable, or the disk is full
 */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const { rename, rm, writeFile } = await nodeModule('node:fs/promises');
  const temporary = temporaryName(path);
  try {
    await writeFile(temporary, content, { flag: 'wx' });
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw fileAccessError(path, cause, 'write');
  }
}

/**
 * Writes detections in the ActivityNet format.
 * @throws FileAccessError, and OptionError as `detectionFile`
 */
export async function writeDetections(
  path: string,
  results: Readonly<Record<string, readonly Detection[]>>,
  externalData?: string,
): Promise<void> {
  await writeWhole(path, `${JSON.stringify(detectionFile(results, externalData), null, 2)}\n`);
}
