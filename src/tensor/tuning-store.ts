import { ensureFolder, writeWhole } from '../data/files/output-file.js';
import { FileAccessError } from '../errors.js';
import type { DeviceTraits } from '../gpu/traits.js';
import { builtins, userCache } from '../gpu/user-cache.js';
import { Tuning } from './tuning.js';

/** Where the tuning of an adapter with its driver is kept; undefined outside Node. */
export function tuningFile({ vendor, architecture, description }: DeviceTraits): string | undefined {
  if (!builtins) return undefined;
  const name = `${vendor} ${architecture} ${description}`.toLowerCase().replace(/[^a-z0-9.]+/g, '-');
  return builtins.path.join(tuningFolder(builtins), `${name.replace(/^-|-$/g, '')}.json`);
}

/** `TAL_TUNING_CACHE`, or the user's cache. */
function tuningFolder(node: NonNullable<typeof builtins>): string {
  const { path } = node;
  return process.env.TAL_TUNING_CACHE
    ? path.resolve(process.env.TAL_TUNING_CACHE)
    : path.join(userCache(node), 'tuning');
}

/** The stored tuning of an adapter; an empty one where there is none that can be read. */
export function loadTuning(traits: DeviceTraits): Tuning {
  const file = tuningFile(traits);
  if (!file || !builtins?.fs.existsSync(file)) return new Tuning();
  try {
    return Tuning.from(JSON.parse(builtins.fs.readFileSync(file, 'utf8')));
  } catch {
    return new Tuning(); // a damaged file costs speed, no more: the next tuning writes it anew
  }
}

/**
 * Makes sure that the tuning of an adapter can be stored.
 * @throws FileAccessError
 */
export async function ensureTuningStore(traits: DeviceTraits): Promise<string> {
  const file = tuningFile(traits);
  if (!builtins || !file) throw new FileAccessError('a page has no place for a tuning: keep it as JSON');
  const { path } = builtins;
  await ensureFolder(path.dirname(file), [path.basename(file)]);
  return file;
}

/**
 * Stores the tuning of an adapter in the user's cache, where every later runtime on it finds it.
 * @returns the file
 * @throws FileAccessError
 */
export async function saveTuning(traits: DeviceTraits, tuning: Tuning): Promise<string> {
  const file = await ensureTuningStore(traits);
  await writeWhole(file, `${JSON.stringify(tuning, undefined, 1)}\n`);
  return file;
}
