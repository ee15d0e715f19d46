import { dirname, join } from 'node:path';
import { type Command, Option } from 'commander';
import { loadClassNames } from '../../data/annotations/class-names.js';
import { readJson } from '../../data/files/byte-source.js';
import { writeWhole } from '../../data/files/output-file.js';
import type { ArrayDtype, NumericArray } from '../../data/formats/array.js';
import { openPyTorch } from '../../data/formats/pytorch/pytorch.js';
import type { PlainRecord } from '../../data/formats/pytorch/state-dict.js';
import { openSafetensors, safetensorsParts } from '../../data/formats/safetensors.js';
import type { StoredTensor } from '../../data/formats/safetensors-header.js';
import { FileFormatError, OptionError } from '../../errors.js';
import { given } from '../../tensor/given.js';
import { architectures, type Converted, converted, plain } from '../architectures/architectures.js';
import { checkOutputFolder } from '../shared/outputs.js';
import { megabytesProgress } from '../views/progress.js';

interface ConvertOptions {
  readonly key?: string;
  readonly architecture?: string;
  readonly classes?: string;
}

/** A tensor of a checkpoint that can be read. */
interface ReadableTensor extends StoredTensor {
  readonly dtype: ArrayDtype;
}

/** What is converted: a checkpoint of PyTorch, or of safetensors. */
interface Checkpoint {
  readonly name: string;
  readonly tensors: ReadonlyMap<string, ReadableTensor>;
  /** What it holds beside tensors, by key: what kind of value each is. */
  readonly others: ReadonlyMap<string, string>;
  /** Of the training, where they are told. */
  readonly settings?: PlainRecord;
  read(tensor: string): Promise<NumericArray>;
  close(): Promise<void>;
}

/** `tal convert`: a checkpoint of PyTorch in; a folder with config.json and model.safetensors out. */
export function addConvert(program: Command): void {
  program
    .command('convert')
    .description(
      'Convert a checkpoint of PyTorch (.pth, .pt, .ckpt, .pkl) or .safetensors to a folder that is read here',
    )
    .argument('<file>', 'what torch.save wrote, of which nothing is run; or a .safetensors')
    .argument('<out>', 'the folder for config.json and model.safetensors; made where it is missing')
    .option('--key <path>', 'which dictionary of the file is the state dict, such as model or ema/state_dict')
    .option('--classes <file>', 'JSON with the class names, for an architecture that has classes')
    .addOption(
      new Option(
        '--architecture <name>',
        "whose names they are; default: found by the tensors' names",
      ).choices([...architectures.map(({ name }) => name), plain]),
    )
    .action(convert);
}

async function convert(
  file: string,
  out: string,
  { key, architecture, classes }: ConvertOptions,
): Promise<void> {
  const checkpoint = await openCheckpoint(file, key);
  try {
    const result = converted(checkpoint, architecture);
    const config = await configOf(result, classes);
    await checkOutputFolder(out, ['config.json', 'model.safetensors'], {
      '<file>': file,
      '--classes': classes,
    });
    console.log(`architecture: ${result.title}`);
    const tensors = new Map(
      [...result.sources].map(([name, source]) => [name, checkpoint.tensors.get(source)!]),
    );
    await writeTensors(join(out, 'model.safetensors'), checkpoint, tensors, result);
    await writeWhole(join(out, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
    printTable(tensors);
    for (const [name, kind] of checkpoint.others) console.log(`left out: ${name}, which is ${kind}`);
    if (result.unused.length > 0) {
      console.log(
        `left out: ${result.unused.length} tensors that the model does not need, such as ${result.unused[0]}`,
      );
    }
    console.log(`written to ${out}`);
    console.log(result.conversion.note);
  } finally {
    await checkpoint.close();
  }
}

/** @throws FileAccessError, FileFormatError; OptionError where a key is given and the file has no dictionaries */
async function openCheckpoint(path: string, key: string | undefined): Promise<Checkpoint> {
  if (!/\.safetensors$/i.test(path)) {
    const file = await openPyTorch(path, key === undefined ? {} : { key });
    const { name, tensors, others, beside } = file;
    const settings = recordOf(beside.get('opt')) ?? (await settingsBeside(path));
    return {
      ...{ name, tensors, others, ...given({ settings }) },
      read: (tensor) => file.read(tensor),
      close: () => file.close(),
    };
  }
  if (key !== undefined) throw new OptionError('--key goes with a checkpoint of PyTorch');
  const file = await openSafetensors(path);
  const tensors = new Map<string, ReadableTensor>();
  for (const [name, tensor] of file.tensors) {
    const { dtype } = tensor;
    if (dtype !== undefined) {
      tensors.set(name, { ...tensor, dtype });
      continue;
    }
    await file.close();
    throw new FileFormatError(`${path}: ${name} is ${tensor.storedDtype}, which is not read`);
  }
  return {
    ...{ name: path, tensors, others: new Map(), ...given({ settings: await settingsBeside(path) }) },
    read: (name) => file.read(name),
    close: () => file.close(),
  };
}

const recordOf = (value: unknown): PlainRecord | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as PlainRecord) : undefined;

/** `opt.json`, where released checkpoints lie beside one. */
const settingsBeside = async (path: string): Promise<PlainRecord | undefined> =>
  recordOf(await readJson(join(dirname(path), 'opt.json')).catch(() => undefined));

/** The configuration, with the names of the classes where it needs some. */
async function configOf({ title, conversion }: Converted, file: string | undefined): Promise<object> {
  const { config, classes } = conversion;
  if (classes === undefined) {
    if (file === undefined) return config([]);
    throw new OptionError(`--classes goes with an architecture that has classes; this one is ${title}`);
  }
  if (file !== undefined) return config(await loadClassNames(file, classes));
  throw new OptionError(`${title} needs --classes: a JSON list of its ${classes} names, the background last`);
}

async function writeTensors(
  path: string,
  checkpoint: Checkpoint,
  tensors: ReadonlyMap<string, ReadableTensor>,
  { sources }: Converted,
): Promise<void> {
  const total = bytesOf([...tensors.values()]);
  const progress = megabytesProgress('megabytes');
  try {
    await writeWhole(path, () => {
      let done = 0;
      const read = async (name: string) => {
        const array = await checkpoint.read(sources.get(name)!);
        done += array.data.byteLength;
        progress.update(done, total);
        return array;
      };
      return safetensorsParts(tensors, read, { format: 'pt' });
    });
  } finally {
    progress.stop();
  }
}

const bytesOf = (tensors: readonly ReadableTensor[]): number =>
  tensors.reduce((sum, { byteLength }) => sum + byteLength, 0);

/** Tensors and bytes of each dtype. */
function printTable(tensors: ReadonlyMap<string, ReadableTensor>): void {
  const all = [...tensors.values()];
  const dtypes = [...new Set(all.map(({ storedDtype }) => storedDtype))].sort();
  const row = (dtype: string, count: string | number, bytes: string | number) =>
    console.log(`${dtype.padEnd(5)}  ${String(count).padStart(7)}  ${String(bytes).padStart(13)}`);
  row('dtype', 'tensors', 'bytes');
  for (const dtype of dtypes) {
    const own = all.filter(({ storedDtype }) => storedDtype === dtype);
    row(dtype, own.length, bytesOf(own));
  }
  if (dtypes.length > 1) row('all', all.length, bytesOf(all));
}
