import { checkArgument, checkFields, integer, pairOf } from '../arguments.js';
import { ReleasedError } from '../errors.js';
import { dequantizeWeight } from '../ops/quantized/dequantize-weight.js';
import type { QuantizationFormat, QuantizedWeight } from '../ops/quantized/quantization.js';
import {
  emptyQuantized,
  type QuantizeOptions,
  quantizedRowAlignment,
  quantizeRows,
  quantizeRules,
} from '../ops/quantized/quantize-weight.js';
import { Owner } from '../tensor/owner.js';
import { anyRuntime, type Runtime } from '../tensor/runtime.js';
import { sizeOf } from '../tensor/shape.js';
import { checkTensor, type Tensor } from '../tensor/tensor.js';
import type { Initial } from './initial.js';
import { anyInitial } from './layer-rules.js';
import { anyElements, checkPart, type StoredWeight, type WeightDtype } from './stored-weight.js';

/** Elements that `set` and `read` have as f32 on the device at a time: half of the smallest binding there is. */
const elementsAtOnce = 2 ** 24;

/** A matrix (outputs, inputs) of a module in 8 or 4 bits: a constant, for training does not change it. */
export class QuantizedParameter extends Owner implements StoredWeight {
  #weight: QuantizedWeight | undefined;
  readonly #format: QuantizationFormat;

  constructor(
    runtime: Runtime,
    readonly shape: readonly [outputs: number, inputs: number],
    readonly initial: Initial,
    readonly options: QuantizeOptions,
  ) {
    super(runtime);
    checkArgument('QuantizedParameter', 'runtime', runtime, anyRuntime);
    checkArgument('QuantizedParameter', 'shape', shape, pairOf(integer(1)));
    checkArgument('QuantizedParameter', 'initial', initial, anyInitial);
    checkFields('QuantizedParameter', options, quantizeRules);
    const { scaleDtype: _, ...format } = options;
    this.#format = format;
  }

  /** @throws ReleasedError before the weights are loaded and after the module is disposed. */
  get weight(): QuantizedWeight {
    this.checkAlive();
    if (!this.#weight) throw new ReleasedError('the module has no weights: load a checkpoint or initialize');
    return this.#weight;
  }

  /** That of the scales, which are as large as the largest elements. */
  get range(): WeightDtype {
    return this.#allocated().scales.dtype as WeightDtype;
  }

  tensors(): readonly Tensor[] {
    const { values, scales } = this.#allocated();
    return [values, scales];
  }

  /** Whole rows, because each is quantised by itself. */
  get partAlignment(): number {
    return quantizedRowAlignment(this.#allocated()) * this.shape[1];
  }

  fill(start: number, end: number, write: (part: Tensor) => void): void {
    checkPart('QuantizedParameter.fill', this.shape, start, end, write);
    const [, inputs] = this.shape;
    this.runtime.scope(() => {
      const part = this.runtime.empty([end - start]);
      write(part);
      quantizeRows(part.reshape([-1, inputs]), this.#allocated(), start / inputs, this.#format);
    });
  }

  /** Takes a matrix of the same shape, f32 or f16 and within one binding of the device. */
  quantize(matrix: Tensor): void {
    checkTensor('QuantizedParameter.quantize', 'matrix', matrix);
    quantizeRows(matrix, this.#allocated(), 0, this.#format);
  }

  set(elements: Float32Array): void {
    checkArgument('QuantizedParameter.set', 'elements', elements, anyElements);
    for (const [start, end] of this.#parts()) {
      this.fill(start, end, (part) => part.write(elements.subarray(start, end)));
    }
  }

  async read(): Promise<Float32Array<ArrayBuffer>> {
    const { values, scales } = this.weight;
    const [outputs, inputs] = this.shape;
    const elements = new Float32Array(outputs * inputs);
    for (const [start, end] of this.#parts()) {
      const rows = [start / inputs, end / inputs] as const;
      const [read] = this.runtime.scope(() => [
        dequantizeWeight(
          { values: values.rows(...rows), scales: scales.rows(...rows) },
          { ...this.options, columns: inputs },
        ).read(),
      ]);
      elements.set(await read!, start);
    }
    return elements;
  }

  /** Where parts of the elements that are f32 on the device for a while begin and end (excluded). */
  *#parts(): Generator<[start: number, end: number]> {
    const size = sizeOf(this.shape);
    const step = this.partAlignment * Math.max(1, Math.floor(elementsAtOnce / this.partAlignment));
    for (let start = 0; start < size; start += step) yield [start, Math.min(start + step, size)];
  }

  /** The tensors, without elements of their own where there were none. */
  #allocated(): QuantizedWeight {
    this.checkAlive();
    this.#weight ??= this.own(() => emptyQuantized(this.runtime, this.shape, this.options));
    return this.#weight;
  }
}
