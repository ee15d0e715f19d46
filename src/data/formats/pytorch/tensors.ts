import type { ArrayDtype } from '../array.js';
import { bytesPerElement, elementCount } from '../array.js';
import { numpyGlobals } from '../numpy-pickle.js';
import { PickleFault } from '../pickle/fault.js';
import { dictionary, functions, PickleFunction, type PickleGlobals } from '../pickle/globals.js';
import type { PickleHooks } from '../pickle/machine.js';

/** Elements that tensors share, kept outside of the pickle. */
export interface Storage {
  readonly key: string;
  readonly dtype: ArrayDtype;
  readonly elements: number;
}

/** A tensor of a checkpoint: some elements of a storage. */
export class TensorView {
  constructor(
    readonly storage: Storage,
    /** Of its first element in the storage. */
    readonly offset: number,
    readonly shape: readonly number[],
    /** Elements of the storage from one index of an axis to the next. */
    readonly strides: readonly number[],
  ) {}

  get dtype(): ArrayDtype {
    return this.storage.dtype;
  }
}

/** The types of storages, of all devices. */
const dtypeOfStorage: ReadonlyMap<string, ArrayDtype> = new Map([
  ['torch.DoubleStorage', 'f64'],
  ['torch.FloatStorage', 'f32'],
  ['torch.HalfStorage', 'f16'],
  ['torch.BFloat16Storage', 'bf16'],
  ['torch.LongStorage', 'i64'],
  ['torch.IntStorage', 'i32'],
  ['torch.ShortStorage', 'i16'],
  ['torch.CharStorage', 'i8'],
  ['torch.ByteStorage', 'u8'],
  ['torch.BoolStorage', 'bool'],
]);

class StorageType {
  constructor(readonly dtype: ArrayDtype) {}
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const areSizes = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.length <= 64 && value.every(isSize);

/** A storage, or some elements of one as PyTorch before 0.4 has them. */
interface StoragePart {
  readonly storage: Storage;
  readonly offset: number;
  readonly elements: number;
}

/** A tensor expanded to more than its storage holds may take so many bytes. */
const MOST_EXPANDED = 2 ** 26;

function tensor([part, offset, shape, strides, , , metadata]: readonly unknown[]): TensorView {
  // Such as that all elements are to be negated.
  if (metadata instanceof Map && metadata.size > 0) {
    throw new PickleFault(`has a tensor with ${[...metadata.keys()].map(String)}, which is not read`);
  }
  if (!isPart(part)) throw new PickleFault('has a tensor without a storage');
  if (!isSize(offset) || !areSizes(shape) || !areSizes(strides) || shape.length !== strides.length) {
    throw new PickleFault('has a tensor without valid offset, shape and strides');
  }
  const { storage } = part;
  const count = elementCount(shape);
  const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, offset);
  const what = `a tensor [${shape.join(', ')}] of ${storage.dtype}`;
  if (count > 0 && !(last < part.elements)) {
    throw new PickleFault(`has ${what} that ends after the ${part.elements} elements of its storage`);
  }
  if (count > storage.elements && !(count * bytesPerElement(storage.dtype) <= MOST_EXPANDED)) {
    throw new PickleFault(`has ${what}, which repeats the ${storage.elements} elements of its storage`);
  }
  return new TensorView(storage, part.offset + offset, shape, strides);
}

function isPart(value: unknown): value is StoragePart {
  return typeof value === 'object' && value !== null && 'storage' in value;
}

function parameter([data]: readonly unknown[]): TensorView {
  if (data instanceof TensorView) return data;
  throw new PickleFault('has a parameter that is no tensor');
}

/** The attributes of an object that has nothing else. */
function setAttributes(made: object, state: unknown): void {
  if (!(state instanceof Map)) throw new PickleFault('has a namespace without attributes');
  for (const [name, value] of state) (made as Map<unknown, unknown>).set(name, value);
}

/** What is known of the names in a checkpoint: tensors, and what training scripts keep beside them. */
const torchGlobals: PickleGlobals = new Map<string, unknown>([
  ...numpyGlobals,
  ...[...dtypeOfStorage].map(([name, dtype]) => [name, new StorageType(dtype)] as const),
  ...functions(
    // (storage, offset, size, stride, requires_grad, backward_hooks, metadata)
    new PickleFunction('torch._utils._rebuild_tensor_v2', tensor),
    new PickleFunction('torch._utils._rebuild_tensor', tensor),
    // (tensor, requires_grad, backward_hooks[, state])
    new PickleFunction('torch._utils._rebuild_parameter', parameter),
    new PickleFunction('torch._utils._rebuild_parameter_with_state', parameter),
    new PickleFunction('torch.Size', ([sizes]) => {
      if (areSizes(sizes)) return sizes;
      throw new PickleFault('has a torch.Size that is no list of sizes');
    }),
    new PickleFunction('torch.device', (names) => names.join(':')),
    new PickleFunction('collections.Counter', dictionary),
    new PickleFunction('argparse.Namespace', () => new Map(), setAttributes),
  ),
]);

/**
 * What the pickle of a checkpoint refers to. Storages come as ('storage', type, key, device, elements[, view]).
 * @param storages gets those that tensors refer to, by key
 */
export function torchHooks(storages: Map<string, Storage>): PickleHooks {
  const persistentLoad = (id: unknown): StoragePart => {
    const [kind, type, key, , elements, view] = Array.isArray(id) ? id : [];
    if (kind !== 'storage') throw new PickleFault('refers to an object outside of it that is no storage');
    if (!(type instanceof StorageType) || typeof key !== 'string' || !isSize(elements)) {
      throw new PickleFault('refers to a storage without type, key and number of elements');
    }
    const known = storages.get(key) ?? { key, dtype: type.dtype, elements };
    if (known.dtype !== type.dtype || known.elements !== elements) {
      throw new PickleFault(`has storage ${key} as ${known.dtype} and as ${type.dtype}`);
    }
    storages.set(key, known);
    if (view === undefined || view === null) return { storage: known, offset: 0, elements };
    const [, offset, size] = Array.isArray(view) ? view : [];
    if (!isSize(offset) || !isSize(size) || offset + size > elements) {
      throw new PickleFault(`has a view that is not within storage ${key}`);
    }
    return { storage: known, offset, elements: size };
  };
  return { globals: torchGlobals, persistentLoad };
}

/** The elements of a tensor, row-major, out of the bytes of its storage; a view of them where they lie so already. */
export function elementsOf({ dtype, offset, shape, strides }: TensorView, stored: Uint8Array): Uint8Array {
  const size = bytesPerElement(dtype);
  const count = elementCount(shape);
  if (isContiguous(shape, strides)) return stored.subarray(offset * size, (offset + count) * size);
  const result = new Uint8Array(count * size);
  const index = shape.map(() => 0);
  let from = offset * size;
  for (let to = 0; to < result.length; to += size) {
    for (let byte = 0; byte < size; byte++) result[to + byte] = stored[from + byte]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      from += strides[axis]! * size;
      if (index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * size * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis]!;
  }
  return true;
}
