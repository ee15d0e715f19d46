import { Linear } from '../../nn/linear.js';
import { Module } from '../../nn/module.js';
import type { Runtime } from '../../tensor/runtime.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { ProjectorConfig } from './vision-config.js';

/** From features of patches to tokens of the language model: two linear layers with GELU between (`mlp2x_gelu`). */
export class Projector extends Module {
  readonly #first: Linear;
  readonly #second: Linear;

  constructor(runtime: Runtime, width: number, { hidden }: ProjectorConfig) {
    super(runtime);
    this.#first = this.child('0', new Linear(runtime, width, hidden));
    this.#second = this.child('2', new Linear(runtime, hidden, hidden));
  }

  /** (…, width) to (…, hidden). */
  forward(features: Tensor): Tensor {
    return this.runtime.scope(() =>
      this.#second.forward(this.#first.forward(features, { activation: 'gelu' })),
    );
  }
}
