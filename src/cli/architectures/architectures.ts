import { listed } from '../../arguments.js';
import { checkTensors } from '../../data/formats/safetensors.js';
import type { StoredTensor } from '../../data/formats/safetensors-header.js';
import { FileFormatError } from '../../errors.js';
import type { Architecture, Conversion, NamedTensors } from './architecture.js';
import { cgDetr } from './cg-detr.js';
import { cmcs } from './cmcs.js';
import { co2net } from './co2net.js';
import { ms2dTan } from './ms-2d-tan.js';

/** Every network whose checkpoints are converted. */
export const architectures: readonly Architecture[] = [cmcs, ...co2net, ...ms2dTan, ...cgDetr];

/** What `--architecture` takes for a checkpoint that is converted as it is. */
export const plain = 'plain';

/** What a checkpoint becomes. */
export interface Converted {
  readonly title: string;
  readonly conversion: Pick<Conversion, 'config' | 'classes' | 'note'>;
  /** The name of each tensor in the checkpoint, by the one that it gets. */
  readonly sources: ReadonlyMap<string, string>;
  /** Tensors that the model does not need. */
  readonly unused: readonly string[];
}

/** What wrappers of a model put before every name: DataParallel, and torch.compile. */
const wrappers = ['module.', '_orig_mod.'];

/** The name in the checkpoint of each tensor, by the name without what a wrapper put before all of them. */
function unwrapped(names: readonly string[]): Map<string, string> {
  let prefix = '';
  for (;;) {
    const wrapper = wrappers.find((wrapper) => names.every((name) => name.startsWith(prefix + wrapper)));
    if (wrapper === undefined) break;
    prefix += wrapper;
  }
  return new Map(names.map((name) => [name.slice(prefix.length), name]));
}

/**
 * Finds what a checkpoint is by the names and shapes of its tensors.
 * @param wanted the name of an architecture, or `plain`; default: the one that fits
 * @throws FileFormatError with every tensor that is missing, left over or of another shape; where several architectures fit
 */
export function converted(file: NamedTensors, wanted: string | undefined): Converted {
  const names = unwrapped([...file.tensors.keys()]);
  const candidates = architectures.filter((architecture) =>
    wanted === undefined ? architecture.recognizes(new Set(names.keys())) : architecture.name === wanted,
  );
  if (candidates.length === 0) return asItIs(names);
  const results = candidates.map((architecture) => result(file, architecture, names));
  const fitting = results.filter((one): one is Converted => !(one instanceof FileFormatError));
  if (fitting.length === 1) return fitting[0]!;
  if (fitting.length > 1) {
    const fit = candidates.filter((_, i) => !(results[i] instanceof FileFormatError)).map(({ name }) => name);
    throw new FileFormatError(
      `${file.name} fits ${listed(fit, 'and')}, whose weights have the same shapes: choose one with --architecture`,
    );
  }
  const tried = listed(
    candidates.map(({ name }) => name),
    'and',
  );
  const { message } = results[0] as FileFormatError;
  throw new FileFormatError(
    `${message} (tried as ${tried}; --architecture ${plain} writes the tensors under the names of the file)`,
    { cause: results[0] },
  );
}

function asItIs(names: ReadonlyMap<string, string>): Converted {
  return {
    title: 'none that is known by these names',
    conversion: {
      config: () => ({}),
      note: 'the names are those of the file: openSafetensors reads the folder, and checkpoint.renamed gives other names',
    },
    sources: names,
    unused: [],
  };
}

/** The checkpoint as a model of an architecture, or why it is none. */
function result(
  file: NamedTensors,
  architecture: Architecture,
  names: ReadonlyMap<string, string>,
): Converted | FileFormatError {
  const sources = new Map<string, string>();
  const unused: string[] = [];
  for (const [name, source] of names) {
    const ours = renamed(name, architecture);
    if (ours === undefined) unused.push(source);
    else if (sources.has(ours)) {
      return new FileFormatError(
        `${file.name}: ${sources.get(ours)} and ${source} would both become ${ours}`,
      );
    } else sources.set(ours, source);
  }
  const tensors = new Map<string, StoredTensor>(
    [...sources].map(([ours, source]) => [ours, file.tensors.get(source)!]),
  );
  try {
    const conversion = architecture.conversion({ ...file, tensors });
    checkTensors({ name: file.name, tensors }, conversion.shapes);
    return { title: architecture.title, conversion, sources, unused };
  } catch (error) {
    if (error instanceof FileFormatError) return error;
    throw error;
  }
}

function renamed(name: string, { renames }: Architecture): string | undefined {
  const found = renames.find(([author]) => author.test(name));
  if (!found) return name;
  const [author, ours] = found;
  return ours === undefined ? undefined : name.replace(author, ours);
}
