import type { LinearFactory } from '../../../nn/linear-factory.js';
import { Module } from '../../../nn/module.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { ProjectorConfig } from './vision-config.js';

/** From features of patches to tokens of the language model: two linear layers with GELU between (`mlp2x_gelu`). */
export class Projector extends Module {
  readonly #linears: LinearFactory;
  readonly #first;
  readonly #second;

  constructor(linears: LinearFactory, width: number, { hidden }: ProjectorConfig) {
    super(linears.runtime);
    this.#linears = linears;
    this.#first = this.child('0', linears.linear(width, hidden));
    this.#second = this.child('2', linears.linear(hidden, hidden));
  }

  /** f32 (…, width) to f32 (…, hidden). */
  forward(features: Tensor): Tensor {
    return this.runtime.scope(() => {
      const wide = this.#first.forward(this.#linears.input(features), { activation: 'gelu' });
      return this.#second.forward(wide, { outDtype: 'f32' });
    });
  }
}
