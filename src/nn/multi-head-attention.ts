import {
  callback,
  checkArgument,
  checkFields,
  either,
  flag,
  integer,
  oneOf,
  onlyFields,
  optional,
  type Rule,
  type Rules,
  text,
} from '../arguments.js';
import { OptionError } from '../errors.js';
import { cast } from '../ops/array/cast.js';
import { mean } from '../ops/array/reduce.js';
import { narrow } from '../ops/array/slice.js';
import { attention } from '../ops/attention/attention.js';
import { type AttentionMask, attentionMaskRule } from '../ops/attention/attention-mask.js';
import { attentionProbabilities } from '../ops/attention/attention-probabilities.js';
import { within } from '../ops/call.js';
import { type LinearCallOptions, linear, matmul } from '../ops/matmul/matmul.js';
import type { Runtime } from '../tensor/runtime.js';
import { anyTensor, expectShape, type Tensor } from '../tensor/tensor.js';
import { Dropout, dropRate } from './dropout.js';
import { joinHeads, splitHeads } from './heads.js';
import { type Initial, uniformFanIn } from './initial.js';
import { checkLayer } from './layer-rules.js';
import type { LinearLayer } from './linear.js';
import { LinearFactory } from './linear-factory.js';
import { Module, type Parameter } from './module.js';
import { quantizedBits, type WeightStorage, weightStorages } from './weight-storage.js';

/** Names of the four linear layers of attention in a checkpoint. */
export interface AttentionNames {
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly out: string;
}

export interface MultiHeadAttentionOptions {
  /**
   * `packed` (default): the names of PyTorch's `nn.MultiheadAttention`, `in_proj_weight`, `in_proj_bias` and `out_proj`;
   * where keys or values are of another width, `q_proj_weight`, `k_proj_weight` and `v_proj_weight` in the place of the
   * first. Or the names of four linear layers.
   */
  readonly projections?: 'packed' | AttentionNames;
  /** Heads of keys and values, a divisor of `heads`: neighbouring heads of the queries share one. Default `heads`. */
  readonly keyHeads?: number;
  /** Default width / heads. */
  readonly headSize?: number;
  /** Width of what the keys are made of (PyTorch's `kdim`); default `width`. */
  readonly keyWidth?: number;
  /** Width of what the values are made of (PyTorch's `vdim`); default `width`. */
  readonly valueWidth?: number;
  /** Share of the probabilities that training drops; default 0. With it training has the probabilities in memory. */
  readonly dropout?: number;
  /** Whether the linear layers have a bias; default true. */
  readonly bias?: boolean;
  /** How the matrices are stored; default f32. Packed matrices cannot be quantised. */
  readonly weights?: WeightStorage;
  /** Gives what weights and biases of so many inputs start from; default `uniformFanIn`. */
  readonly initial?: (inputs: number) => Initial;
  /** Gives what stands in the place of a linear layer, such as `LoraAdapter.around`. Not for packed matrices. */
  readonly adapt?: (name: string, layer: LinearLayer, inputs: number, outputs: number) => LinearLayer;
}

export interface AttentionInputs {
  /** (B, Lk, keyWidth); default the queries. */
  readonly key?: Tensor | undefined;
  /** (B, Lk, valueWidth); default the keys. */
  readonly value?: Tensor | undefined;
  /** u32 (B, Lk): keys where it is 0 are not attended (PyTorch's `key_padding_mask` says the opposite). */
  readonly keyMask?: Tensor | undefined;
  /** (B, Lk), at least 0, in the place of `keyMask`: probabilities p become p w / Σ p w. */
  readonly keyWeight?: Tensor | undefined;
  /** (B or 1, heads or 1, Lq or 1, Lk): added to the scaled scores. */
  readonly bias?: Tensor | undefined;
  /** Which keys a query may attend; default all. */
  readonly mask?: AttentionMask | undefined;
}

export interface AttentionWeights {
  /** f32 (B, Lq, width), as `forward` gives it. */
  readonly output: Tensor;
  /** The probabilities that the values were multiplied by, f32: (B, Lq, Lk) or (B, heads, Lq, Lk). */
  readonly weights: Tensor;
}

export interface AttentionWeightsOptions {
  /** Give the probabilities of each head, not their mean over the heads. Default false. */
  readonly perHead?: boolean;
}

export const projectionsRule: Rule<'packed' | AttentionNames> = either(
  oneOf('packed'),
  onlyFields<AttentionNames>({ query: text, key: text, value: text, out: text }),
);

export const storageRule: Rule<WeightStorage> = oneOf(...weightStorages);

const optionRules: Rules<MultiHeadAttentionOptions> = {
  projections: optional(projectionsRule),
  keyHeads: optional(integer(1)),
  headSize: optional(integer(1)),
  keyWidth: optional(integer(1)),
  valueWidth: optional(integer(1)),
  dropout: optional(dropRate),
  bias: optional(flag),
  weights: optional(storageRule),
  initial: optional(callback),
  adapt: optional(callback),
};

const inputRules: Rules<AttentionInputs> = {
  key: optional(anyTensor),
  value: optional(anyTensor),
  keyMask: optional(anyTensor),
  keyWeight: optional(anyTensor),
  bias: optional(anyTensor),
  mask: optional(attentionMaskRule),
};

const weightsRules: Rules<AttentionWeightsOptions> = { perHead: optional(flag) };

/** Some rows of a parameter. */
interface RowsOf {
  readonly parameter: Parameter;
  readonly begin: number;
  readonly size: number;
}

/** The projection to the queries, the keys or the values, from rows of parameters that others may share. */
class PackedRows implements LinearLayer {
  constructor(
    private readonly weight: RowsOf,
    private readonly bias: RowsOf | undefined,
  ) {}

  forward(input: Tensor, options?: LinearCallOptions): Tensor {
    // A view of rows would have to begin at an aligned byte, and has no gradient.
    const rows = ({ parameter: { tensor }, begin, size }: RowsOf) =>
      size === tensor.shape[0] ? tensor : narrow(tensor, 0, begin, size);
    return input.runtime.scope(() =>
      linear({ input, weight: rows(this.weight), bias: this.bias && rows(this.bias) }, options),
    );
  }
}

/**
 * Multi-head attention (Vaswani et al., arXiv:1706.03762, section 3.2.2): out(concat over the heads of
 * softmax(scale · Q Kᵀ) V), Q, K and V being linear in queries, keys and values. Names and numbers are those of PyTorch's
 * `nn.MultiheadAttention` (batch first). The probabilities are never in memory, unless training drops some of them or they
 * are asked for (`forwardWithWeights`).
 *
 * `queries`, `keys`, `values` and `output` are its parts, for callers that turn heads by rotary positions, or keep keys
 * and values in a cache, and call `attention` themselves.
 */
export class MultiHeadAttention extends Module {
  readonly #linears: LinearFactory;
  readonly #keyHeads: number;
  readonly #keyWidth: number;
  readonly #valueWidth: number;
  readonly #dropout: Dropout;
  readonly #query: LinearLayer;
  readonly #key: LinearLayer;
  readonly #value: LinearLayer;
  readonly #out: LinearLayer;

  /** @throws OptionError */
  constructor(
    runtime: Runtime,
    readonly width: number,
    readonly heads: number,
    options: MultiHeadAttentionOptions = {},
  ) {
    const where = 'MultiHeadAttention';
    checkLayer(where, runtime, { width, heads });
    checkFields(where, options, optionRules);
    const { projections = 'packed', keyHeads = heads, headSize = width / heads } = options;
    const { keyWidth = width, valueWidth = width, dropout = 0 } = options;
    const { bias = true, weights = 'f32', initial = uniformFanIn, adapt } = options;
    if (!Number.isInteger(headSize)) {
      throw new OptionError(`${where}: heads must divide the width ${width}, not be ${heads}`);
    }
    if (heads % keyHeads !== 0) {
      throw new OptionError(`${where}: keyHeads must divide the ${heads} heads, not be ${keyHeads}`);
    }
    const packed = projections === 'packed';
    if (packed && (adapt || quantizedBits(weights))) {
      throw new OptionError(`${where}: packed projections can be neither adapted nor quantised: name four`);
    }
    super(runtime);
    this.#linears = new LinearFactory(runtime, weights);
    this.#keyHeads = keyHeads;
    this.#keyWidth = keyWidth;
    this.#valueWidth = valueWidth;
    this.#dropout = this.child('dropout', new Dropout(runtime, dropout));
    const [all, shared] = [heads * headSize, keyHeads * headSize];
    const layer = (name: string, inputs: number, outputs: number) => {
      const made = this.child(
        name,
        this.#linears.linear(inputs, outputs, { bias, initial: initial(inputs) }),
      );
      return adapt?.(name, made, inputs, outputs) ?? made;
    };
    if (packed) {
      const { dtype } = this.#linears;
      const rows = all + 2 * shared;
      const biases = bias ? this.parameter('in_proj_bias', [rows], initial(width), dtype) : undefined;
      const matrix = (name: string, size: number, inputs: number) =>
        this.parameter(name, [size, inputs], initial(inputs), dtype);
      const one =
        keyWidth === width && valueWidth === width ? matrix('in_proj_weight', rows, width) : undefined;
      const projection = (name: string, begin: number, size: number, inputs: number) =>
        new PackedRows(
          one ? { parameter: one, begin, size } : { parameter: matrix(name, size, inputs), begin: 0, size },
          biases && { parameter: biases, begin, size },
        );
      this.#query = projection('q_proj_weight', 0, all, width);
      this.#key = projection('k_proj_weight', all, shared, keyWidth);
      this.#value = projection('v_proj_weight', all + shared, shared, valueWidth);
      this.#out = layer('out_proj', all, width);
    } else {
      this.#query = layer(projections.query, width, all);
      this.#key = layer(projections.key, keyWidth, shared);
      this.#value = layer(projections.value, valueWidth, shared);
      this.#out = layer(projections.out, all, width);
    }
  }

  /**
   * Queries (B, Lq, width) to f32 (B, Lq, width). A query that attends no key gives the bias of the last layer.
   * @throws ShapeError, DtypeError, OptionError
   */
  forward(query: Tensor, inputs: AttentionInputs = {}): Tensor {
    checkArgument('multiHeadAttention', 'query', query, anyTensor);
    checkFields('multiHeadAttention', inputs, inputRules);
    const { keyMask, keyWeight, bias, mask } = inputs;
    const { runtime } = this;
    if (this.training && this.#dropout.p > 0) {
      return runtime.scope(() => this.output(runtime.scope(() => this.#gather(query, inputs).gathered)));
    }
    return runtime.scope(() => {
      const gathered = runtime.scope(() => {
        const heads = this.#heads(query, inputs);
        return attention({ ...heads, keyMask, keyWeight, bias }, mask ? { mask } : {}).output;
      });
      return this.output(gathered);
    });
  }

  /**
   * As `forward`, with the probabilities of the keys. In training they are those after dropout, as PyTorch gives them.
   * @throws ShapeError, DtypeError, OptionError
   */
  forwardWithWeights(
    query: Tensor,
    inputs: AttentionInputs = {},
    options: AttentionWeightsOptions = {},
  ): AttentionWeights {
    checkArgument('multiHeadAttention', 'query', query, anyTensor);
    checkFields('multiHeadAttention', inputs, inputRules);
    checkFields('multiHeadAttention', options, weightsRules);
    return this.runtime.scope(() => {
      const { weights, gathered } = this.#gather(query, inputs);
      return {
        output: this.output(gathered),
        weights: options.perHead ? weights : mean(weights, { axes: 1 }),
      };
    });
  }

  /** (B, L, width) to the heads of its queries, (B, heads, L, headSize). */
  queries(x: Tensor): Tensor {
    return this.#split(this.#query, x, this.heads, this.width);
  }

  /** (B, L, keyWidth) to the heads of its keys, (B, keyHeads, L, headSize). */
  keys(x: Tensor): Tensor {
    return this.#split(this.#key, x, this.#keyHeads, this.#keyWidth);
  }

  /** (B, L, valueWidth) to the heads of its values, (B, keyHeads, L, headSize). */
  values(x: Tensor): Tensor {
    return this.#split(this.#value, x, this.#keyHeads, this.#valueWidth);
  }

  /** What the heads have gathered, (B, heads, L, headSize), to f32 (B, L, width). */
  output(gathered: Tensor): Tensor {
    checkArgument('multiHeadAttention', 'gathered', gathered, anyTensor);
    return this.runtime.scope(() => this.#out.forward(joinHeads(gathered), { outDtype: 'f32' }));
  }

  #heads(query: Tensor, { key = query, value = key }: AttentionInputs) {
    return { query: this.queries(query), key: this.keys(key), value: this.values(value) };
  }

  /** Attention by its probabilities: these, (B, heads, Lq, Lk), and what the heads gather. */
  #gather(query: Tensor, inputs: AttentionInputs): { weights: Tensor; gathered: Tensor } {
    const { runtime } = this;
    return runtime.scope(() => {
      const { value, ...heads } = this.#heads(query, inputs);
      const { keyMask, keyWeight, bias, mask } = inputs;
      const weights = runtime.scope(() =>
        this.#dropout.forward(attentionProbabilities({ ...heads, keyMask, keyWeight, bias }, mask)),
      );
      // Neighbouring heads that share values are more rows of one product.
      const [batches, keyHeads, keyLength, headSize] = value.shape as [number, number, number, number];
      const rows = cast(weights, value.dtype).reshape([batches, keyHeads, -1, keyLength]);
      const gathered = matmul({ a: rows, b: value }).reshape([batches, this.heads, -1, headSize]);
      return { weights, gathered };
    });
  }

  #split(layer: LinearLayer, x: Tensor, heads: number, width: number): Tensor {
    checkArgument('multiHeadAttention', 'x', x, anyTensor);
    expectSequence(x, width);
    return this.runtime.scope(() => splitHeads(layer.forward(this.#linears.input(x)), heads));
  }
}

/** @throws ShapeError */
function expectSequence(x: Tensor, width: number): void {
  const [batch = 0, length = 0] = x.shape;
  within('multiHeadAttention', () => expectShape(x, 'x', [batch, length, width]));
}
