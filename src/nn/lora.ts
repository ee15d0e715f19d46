import {
  callback,
  checkArgument,
  checkArguments,
  checkFields,
  integer,
  listOf,
  objectWith,
  positive,
  type Rules,
  text,
} from '../arguments.js';
import { OptionError } from '../errors.js';
import { add } from '../ops/array/binary.js';
import { cast } from '../ops/array/cast.js';
import { narrow } from '../ops/array/slice.js';
import { scaleShift, unaryOperation } from '../ops/array/unary.js';
import { linear, linearCallRules, matmul } from '../ops/matmul/matmul.js';
import { anyRuntime, type Runtime } from '../tensor/runtime.js';
import { checkTensor, type Tensor } from '../tensor/tensor.js';
import { rowWindows } from '../tensor/windows.js';
import { constantInitial, uniformFanIn } from './initial.js';
import { checkLayer } from './layer-rules.js';
import { Linear, type LinearLayer } from './linear.js';
import { Module } from './module.js';

export interface LoraOptions {
  /** r: rows of A, columns of B. */
  readonly rank: number;
  /** α: the addition counts α / r. */
  readonly alpha: number;
  /** The layers that get an addition: their names, or what these end with, such as `q_proj`. */
  readonly targets: readonly string[];
}

const loraRules: Rules<Pick<LoraOptions, 'rank' | 'alpha'>> = { rank: integer(1), alpha: positive };

export type LinearForwardOptions = NonNullable<Parameters<Linear['forward']>[1]>;

const layerRule = objectWith<Pick<LinearLayer, 'forward'>>({ forward: callback }, 'a linear layer');

/**
 * A linear layer with a low-rank addition (LoRA; Hu et al., arXiv:2106.09685): W x + b + (α / r) B A x with `lora_A.weight`
 * (r, inputs), random, and `lora_B.weight` (outputs, r), zeros at first. The layer is not among the weights of this
 * module, so nothing that trains them changes it.
 */
export class LoraLinear extends Module implements LinearLayer {
  readonly #a;
  readonly #b;
  readonly #scale;
  #merged = false;

  constructor(
    readonly layer: LinearLayer,
    sizes: { readonly runtime: Runtime; readonly inputs: number; readonly outputs: number },
    options: Pick<LoraOptions, 'rank' | 'alpha'>,
  ) {
    checkArgument('LoraLinear', 'layer', layer, layerRule);
    checkFields(
      'LoraLinear',
      sizes,
      { runtime: anyRuntime, inputs: integer(1), outputs: integer(1) },
      'size',
    );
    checkFields('LoraLinear', options, loraRules);
    const { runtime, inputs, outputs } = sizes;
    super(runtime);
    const { rank, alpha } = options;
    this.#a = this.parameter('lora_A.weight', [rank, inputs], uniformFanIn(inputs));
    this.#b = this.parameter('lora_B.weight', [outputs, rank], constantInitial(0));
    this.#scale = alpha / rank;
  }

  /** (…, inputs) to (…, outputs), as the layer itself. */
  forward(input: Tensor, options: LinearForwardOptions = {}): Tensor {
    this.checkAlive();
    checkTensor('LoraLinear', 'input', input);
    checkFields('LoraLinear', options, linearCallRules);
    if (this.#merged) return this.layer.forward(input, options);
    const { activation = 'none', outDtype = input.dtype as 'f32' | 'f16', ...slope } = options;
    return this.runtime.scope(() => {
      const factor = ({ tensor }: { readonly tensor: Tensor }) =>
        tensor.dtype === input.dtype ? tensor : cast(tensor, input.dtype);
      const low = scaleShift(linear({ input, weight: factor(this.#a) }), this.#scale, 0);
      const addition = linear({ input: low, weight: factor(this.#b) }, { outDtype });
      const x = add(this.layer.forward(input, { outDtype }), addition);
      return activation === 'none' ? x : unaryOperation.run({ x }, { function: activation, ...slope }).output;
    });
  }

  /**
   * Adds the addition to the layer's weight for good, and frees it. What was captured before must not be run again.
   * @returns false where the layer has no matrix of numbers to add it to; then all stays as it is
   */
  merge(): boolean {
    this.checkAlive();
    const { layer, runtime } = this;
    if (this.#merged || !(layer instanceof Linear)) return this.#merged;
    runtime.scope(() => {
      const b = scaleShift(this.#b.tensor, this.#scale, 0);
      for (const { view, begin, end } of rowWindows(layer.weight)) {
        const rows = narrow(b, 0, begin, end - begin);
        const outDtype = view.dtype as 'f32' | 'f16';
        view.assign(add(view, matmul({ a: rows, b: this.#a.tensor }, { outDtype })));
      }
    });
    this.#merged = true;
    for (const weight of [this.#a, this.#b]) weight.dispose();
    return true;
  }
}

/**
 * The low-rank additions to some linear layers of a model: its weights are theirs alone, by the names of the layers.
 * Training this module, and not the model, leaves the model's own weights as they are: they get no gradient, and the
 * optimizer keeps nothing of them.
 */
export class LoraAdapter extends Module {
  readonly #layers = new Map<string, LoraLinear>();
  readonly #others: string[] = [];

  /** @throws OptionError */
  constructor(
    runtime: Runtime,
    readonly options: LoraOptions,
  ) {
    checkLayer('LoraAdapter', runtime, {});
    checkFields('LoraAdapter', options, { ...loraRules, targets: listOf(text) });
    super(runtime);
    if (options.targets.length === 0) {
      throw new OptionError('LoraAdapter: targets must name the layers to adapt, and name none');
    }
  }

  /** A layer of the model with an addition, or as it is where it is no target. */
  around(name: string, layer: LinearLayer, inputs: number, outputs: number): LinearLayer {
    checkArguments(
      'LoraAdapter.around',
      { name, layer, inputs, outputs },
      { name: text, layer: layerRule, inputs: integer(1), outputs: integer(1) },
    );
    if (!this.options.targets.some((target) => isCalled(name, target))) {
      this.#others.push(name);
      return layer;
    }
    const { rank, alpha } = this.options;
    const adapted = this.child(
      name,
      new LoraLinear(layer, { runtime: this.runtime, inputs, outputs }, { rank, alpha }),
    );
    this.#layers.set(name, adapted);
    return adapted;
  }

  /** Whether all targets were found, once the model is made. @throws OptionError with those that were not */
  checkTargets(): void {
    const names = [...this.#layers.keys()];
    const missing = this.options.targets.filter((target) => !names.some((name) => isCalled(name, target)));
    if (missing.length === 0) return;
    const known = new Set([...names, ...this.#others].map((name) => name.slice(name.lastIndexOf('.') + 1)));
    throw new OptionError(
      `the model has no linear layer ${missing.slice(0, 8).join(', ')}; its layers are ${[...known].join(', ')}`,
    );
  }

  /**
   * Adds the additions to the layers' own weights, as far as these are matrices of numbers; others keep theirs. What was
   * captured before must not be run again.
   */
  merge(): void {
    this.checkAlive();
    for (const layer of this.#layers.values()) layer.merge();
  }
}

/** Whether a layer is meant by a name, which may be the end of the layer's (as in PEFT). */
function isCalled(layer: string, target: string): boolean {
  return layer === target || layer.endsWith(`.${target}`);
}
