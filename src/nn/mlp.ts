import { checkArgument, checkFields, integer, optional, type Rules } from '../arguments.js';
import type { Runtime } from '../tensor/runtime.js';
import { anyTensor, type Tensor } from '../tensor/tensor.js';
import { chain } from './chain.js';
import type { Initial } from './initial.js';
import { anyInitial, checkLayer } from './layer-rules.js';
import { Linear } from './linear.js';
import { Module } from './module.js';

export interface MlpOptions {
  /** Linear layers; at least 1. */
  readonly layers: number;
  /** Replaces the usual start of the last layer's weight and bias. */
  readonly lastInitial?: Initial;
}

const optionRules: Rules<MlpOptions> = { layers: integer(1), lastInitial: optional(anyInitial) };

/** Linear layers `layers.0`, `layers.1`, … with a ReLU between two, all but the last as wide as the first's output (DETR). */
export class Mlp extends Module {
  readonly #layers: readonly Linear[];

  /** @param hidden width between the layers */
  constructor(runtime: Runtime, inputs: number, hidden: number, outputs: number, options: MlpOptions) {
    checkLayer('Mlp', runtime, { inputs, hidden, outputs });
    checkFields('Mlp', options, optionRules);
    super(runtime);
    const { layers, lastInitial } = options;
    this.#layers = Array.from({ length: layers }, (_, i) => {
      const last = i === layers - 1;
      const linear = new Linear(runtime, i === 0 ? inputs : hidden, last ? outputs : hidden, {
        ...(last && lastInitial && { initial: lastInitial }),
      });
      return this.child(`layers.${i}`, linear);
    });
  }

  /** (…, inputs) to (…, outputs). */
  forward(x: Tensor): Tensor {
    checkArgument('mlp', 'x', x, anyTensor);
    const last = this.#layers.length - 1;
    return this.runtime.scope(() =>
      chain(x, this.#layers, (y, layer, i) => layer.forward(y, i < last ? { activation: 'relu' } : {})),
    );
  }
}
