import { createHash } from 'node:crypto';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileAccessError } from '../../data/files/byte-source.js';

/** Bytes at the end of a file of weights that stand for it: training changes nearly all weights. */
const TAIL = 2 ** 16;

/**
 * What the results of a run depend on, as a short text: the same for the same model and settings.
 * @param settings as JSON
 * @throws FileAccessError
 */
export async function runIdentity(model: string, settings: object): Promise<string> {
  const hash = createHash('sha256');
  hash.update(JSON.stringify(settings));
  try {
    hash.update(await readFile(join(model, 'config.json')));
    const names = (await readdir(model)).filter((name) => name.endsWith('.safetensors')).sort();
    for (const name of names) hash.update(`${name}\0`).update(await tailOf(join(model, name)));
  } catch (cause) {
    throw fileAccessError(model, cause);
  }
  return hash.digest('hex').slice(0, 12);
}

async function tailOf(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - TAIL);
    const { buffer, bytesRead } = await file.read(new Uint8Array(TAIL), 0, TAIL, from);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
