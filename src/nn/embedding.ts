import { embedding } from '../ops/array/gather.js';
import type { Runtime } from '../tensor/runtime.js';
import type { Tensor } from '../tensor/tensor.js';
import { normalInitial } from './initial.js';
import { checkLayer } from './layer-rules.js';
import { Module } from './module.js';

/** A table of vectors, `weight` (entries, width), looked up by id. */
export class Embedding extends Module {
  readonly #weight;

  constructor(runtime: Runtime, entries: number, width: number) {
    checkLayer('Embedding', runtime, { entries, width });
    super(runtime);
    this.#weight = this.parameter('weight', [entries, width], normalInitial(1));
  }

  /** Ids (…) u32 to (…, width). */
  forward(ids: Tensor): Tensor {
    return embedding({ table: this.#weight.tensor, ids });
  }
}
