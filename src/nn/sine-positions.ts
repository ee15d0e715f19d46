import { checkArgument, rule } from '../arguments.js';
import { add, mul } from '../ops/array/binary.js';
import { sin } from '../ops/array/unary.js';
import type { Runtime } from '../tensor/runtime.js';
import { anyTensor, type Tensor } from '../tensor/tensor.js';
import { checkLayer } from './layer-rules.js';
import { Module } from './module.js';

const evenNumber = rule<number>(
  'an even integer of at least 2',
  (value) => Number.isSafeInteger(value) && Number(value) >= 2 && Number(value) % 2 === 0,
);

/** Longest period over the shortest. */
const longest = 10_000;

/**
 * Sine embeddings of positions (DETR, Carion et al., arXiv:2005.12872, appendix A.4): of a position x, the column 2 i is
 * sin(2π x / 10000^(2 i / width)), the column 2 i + 1 the cosine of the same. Positions in [0, 1] take one turn of the
 * fastest wave.
 */
export class SinePositions extends Module {
  readonly #frequencies: Tensor;
  readonly #phases: Tensor;

  /** @param width columns, an even number */
  constructor(
    runtime: Runtime,
    readonly width: number,
  ) {
    checkLayer('SinePositions', runtime, {});
    checkArgument('SinePositions', 'width', width, evenNumber);
    super(runtime);
    const columns = Array.from({ length: width }, (_, i) => i);
    const frequencies = columns.map((i) => (2 * Math.PI) / longest ** ((2 * Math.floor(i / 2)) / width));
    [this.#frequencies, this.#phases] = this.own(() => [
      runtime.tensor(frequencies),
      runtime.tensor(columns.map((i) => (i % 2) * (Math.PI / 2))),
    ]);
  }

  /** f32 (…) to f32 (…, width). */
  forward(x: Tensor): Tensor {
    checkArgument('sinePositions', 'x', x, anyTensor);
    this.checkAlive();
    return this.runtime.scope(() =>
      sin(add(mul(x.reshape([...x.shape, 1]), this.#frequencies), this.#phases)),
    );
  }
}
