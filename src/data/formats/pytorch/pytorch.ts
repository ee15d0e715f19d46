import {
  bytes as bytesRule,
  checkArgument,
  checkArguments,
  checkFields,
  either,
  instanceOf,
  optional,
  path as pathRule,
  text as textRule,
} from '../../../arguments.js';
import { FileFormatError } from '../../../errors.js';
import { type ByteSource, bytesSource, openSource } from '../../files/byte-source.js';
import { type ArrayDtype, bytesPerElement, elementCount, type NumericArray, viewBytes } from '../array.js';
import type { StoredTensor } from '../safetensors-header.js';
import type { CheckpointFile } from './checkpoint-file.js';
import { readLegacyCheckpoint } from './legacy-checkpoint.js';
import { besideOf, type PlainValue, type StateDict, stateDictOf } from './state-dict.js';
import { elementsOf, type Storage, type TensorView } from './tensors.js';
import { readZipCheckpoint } from './zip-checkpoint.js';

export interface PyTorchOptions {
  /**
   * Where the state dict is in what was saved: `model`, `ema/state_dict`, '' for the top. Default: where there is only one.
   * Optimizer states, whose keys are numbers, are none.
   */
  readonly key?: string;
  /** What messages call bytes, which have no path. */
  readonly name?: string;
}

/** A tensor of a checkpoint, which has not been read yet; `storedDtype` is `dtype`. */
export interface PyTorchTensor extends StoredTensor {
  readonly dtype: ArrayDtype;
}

/** An open checkpoint of PyTorch. Only its pickle is in memory; tensors are read one by one. */
export interface PyTorchCheckpoint {
  /** What messages call it. */
  readonly name: string;
  /** Every tensor of the state dict by name. */
  readonly tensors: ReadonlyMap<string, PyTorchTensor>;
  /** What the state dict holds beside tensors, by key: what kind of value each is. */
  readonly others: ReadonlyMap<string, string>;
  /** Plain data at the top of the file, by key, such as the settings of a training; a namespace is an object. */
  readonly beside: ReadonlyMap<string, PlainValue>;
  /**
   * Reads a tensor, row-major, whatever its strides in the file. Its memory is its own.
   * @throws FileFormatError where there is no tensor of that name, or its bytes are damaged or cut; FileAccessError
   */
  read(tensor: string): Promise<NumericArray>;
  /** Closes its file; tensors that were read stay valid. */
  close(): Promise<void>;
}

class OpenCheckpoint implements PyTorchCheckpoint {
  readonly #views: ReadonlyMap<string, TensorView>;
  readonly #file: CheckpointFile;
  /** Storages that several tensors share. */
  readonly #shared = new Set<Storage>();
  /** That of them which was read last: tensors that share one follow each other. */
  #last: { readonly storage: Storage; readonly bytes: Uint8Array } | undefined;
  readonly tensors: ReadonlyMap<string, PyTorchTensor>;
  readonly others: ReadonlyMap<string, string>;
  readonly beside: ReadonlyMap<string, PlainValue>;

  constructor(
    readonly name: string,
    { tensors, others }: StateDict,
    file: CheckpointFile,
    private readonly source: ByteSource,
  ) {
    this.#views = tensors;
    this.#file = file;
    this.others = others;
    this.beside = besideOf(file.root);
    const once = new Set<Storage>();
    for (const { storage } of tensors.values()) (once.has(storage) ? this.#shared : once).add(storage);
    this.tensors = new Map([...tensors].map(([tensor, view]) => [tensor, describe(view)]));
  }

  async read(tensor: string): Promise<NumericArray> {
    checkArgument('PyTorchCheckpoint.read', 'tensor', tensor, textRule);
    const view = this.#views.get(tensor);
    if (!view) throw new FileFormatError(`${this.name} holds no tensor ${tensor}`);
    const { dtype, shape, storage } = view;
    if (!this.#shared.has(storage)) {
      return { dtype, shape, data: viewBytes(dtype, elementsOf(view, await this.#file.read(storage))) };
    }
    if (this.#last?.storage !== storage) this.#last = { storage, bytes: await this.#file.read(storage) };
    return { dtype, shape, data: viewBytes(dtype, elementsOf(view, this.#last.bytes).slice()) };
  }

  async close(): Promise<void> {
    this.#last = undefined;
    await this.source.close();
  }
}

function describe({ dtype, shape }: TensorView): PyTorchTensor {
  return { dtype, storedDtype: dtype, shape, byteLength: elementCount(shape) * bytesPerElement(dtype) };
}

/**
 * Opens a checkpoint that `torch.save` wrote (`.pth`, `.pt`, `.ckpt`, `.pkl`), of any version of PyTorch: a state dict, or a
 * dictionary with one in it, or a tensor, which is then called `tensor`. Parameters and tensors of other devices are tensors
 * like others. Nothing of the file is run: whatever is neither a tensor nor plain data is refused by its name, so a whole
 * model is; save its `state_dict()`.
 * @param file the path (Node), or the bytes
 * @throws FileAccessError; FileFormatError where it is no checkpoint, is cut or damaged, big-endian, a TorchScript program, or
 *   refers to anything that is not read, and where it holds no state dict or several and no `key` says which
 */
export async function openPyTorch(
  file: string | Uint8Array | ArrayBuffer,
  options: PyTorchOptions = {},
): Promise<PyTorchCheckpoint> {
  checkArguments(
    'openPyTorch',
    { file },
    { file: either(pathRule, either(bytesRule, instanceOf(ArrayBuffer, 'an ArrayBuffer'))) },
  );
  checkFields<PyTorchOptions>('openPyTorch', options, { key: optional(textRule), name: optional(textRule) });
  const source =
    typeof file === 'string'
      ? await openSource(file)
      : bytesSource(file instanceof Uint8Array ? file : new Uint8Array(file), options.name ?? 'checkpoint');
  try {
    const opened = await readCheckpoint(source);
    return new OpenCheckpoint(
      source.name,
      stateDictOf(opened.root, source.name, options.key),
      opened,
      source,
    );
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function readCheckpoint(source: ByteSource): Promise<CheckpointFile> {
  const start = await source.read(0, Math.min(4, source.size));
  if (start[0] === 0x50 && start[1] === 0x4b) return readZipCheckpoint(source);
  // Of a pickle with a protocol of at least 2.
  if (start[0] === 0x80) return readLegacyCheckpoint(source);
  throw new FileFormatError(`${source.name} is no checkpoint of PyTorch: neither a zip archive nor a pickle`);
}
