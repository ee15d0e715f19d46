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
import { narrow } from '../ops/array/slice.js';
import { attention } from '../ops/attention/attention.js';
import { type AttentionMask, attentionMaskRule } from '../ops/attention/attention-mask.js';
import { within } from '../ops/call.js';
import { type LinearCallOptions, linear } from '../ops/matmul/matmul.js';
import type { Runtime } from '../tensor/runtime.js';
import { anyTensor, expectShape, type Tensor } from '../tensor/tensor.js';
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
   * `packed` (default): the names of PyTorch's `nn.MultiheadAttention`, `in_proj_weight`, `in_proj_bias` and `out_proj`.
   * Or the names of four linear layers.
   */
  readonly projections?: 'packed' | AttentionNames;
  /** Heads of keys and values, a divisor of `heads`: neighbouring heads of the queries share one. Default `heads`. */
  readonly keyHeads?: number;
  /** Default width / heads. */
  readonly headSize?: number;
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
  /** (B, Lk, width); default the queries. */
  readonly key?: Tensor | undefined;
  /** (B, Lk, width); default the keys. */
  readonly value?: Tensor | undefined;
  /** u32 (B, Lk): keys where it is 0 are not attended (PyTorch's `key_padding_mask` says the opposite). */
  readonly keyMask?: Tensor | undefined;
  /** (B or 1, heads or 1, Lq or 1, Lk): added to the scaled scores. */
  readonly bias?: Tensor | undefined;
  /** Which keys a query may attend; default all. */
  readonly mask?: AttentionMask | undefined;
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
  bias: optional(flag),
  weights: optional(storageRule),
  initial: optional(callback),
  adapt: optional(callback),
};

const inputRules: Rules<AttentionInputs> = {
  key: optional(anyTensor),
  value: optional(anyTensor),
  keyMask: optional(anyTensor),
  bias: optional(anyTensor),
  mask: optional(attentionMaskRule),
};

/** Some rows of matrices that are stored as one: the projection to the queries, the keys or the values. */
class PackedRows implements LinearLayer {
  constructor(
    private readonly packed: { readonly weight: Parameter; readonly bias: Parameter | undefined },
    private readonly begin: number,
    private readonly size: number,
  ) {}

  forward(input: Tensor, options?: LinearCallOptions): Tensor {
    const { weight, bias } = this.packed;
    // A view of rows would have to begin at an aligned byte, and has no gradient.
    const rows = (of: Parameter) => narrow(of.tensor, 0, this.begin, this.size);
    return input.runtime.scope(() =>
      linear({ input, weight: rows(weight), bias: bias && rows(bias) }, options),
    );
  }
}

/**
 * Multi-head attention (Vaswani et al., arXiv:1706.03762, section 3.2.2): out(concat over the heads of
 * softmax(scale · Q Kᵀ) V), Q, K and V being linear in queries, keys and values. Names and numbers are those of PyTorch's
 * `nn.MultiheadAttention` (batch first). There is no dropout of the probabilities, which are never in memory.
 *
 * `queries`, `keys`, `values` and `output` are its parts, for callers that turn heads by rotary positions, or keep keys
 * and values in a cache, and call `attention` themselves.
 */
export class MultiHeadAttention extends Module {
  readonly #linears: LinearFactory;
  readonly #keyHeads: number;
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
      const matrices = {
        weight: this.parameter('in_proj_weight', [rows, width], initial(width), dtype),
        bias: bias ? this.parameter('in_proj_bias', [rows], initial(width), dtype) : undefined,
      };
      this.#query = new PackedRows(matrices, 0, all);
      this.#key = new PackedRows(matrices, all, shared);
      this.#value = new PackedRows(matrices, all + shared, shared);
      this.#out = layer('out_proj', all, width);
    } else {
      this.#query = layer(projections.query, width, all);
      this.#key = layer(projections.key, width, shared);
      this.#value = layer(projections.value, width, shared);
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
    const { key = query, value = key, keyMask, bias, mask } = inputs;
    const { runtime } = this;
    return runtime.scope(() => {
      const gathered = runtime.scope(() => {
        const heads = { query: this.queries(query), key: this.keys(key), value: this.values(value) };
        return attention({ ...heads, keyMask, bias }, mask ? { mask } : {}).output;
      });
      return this.output(gathered);
    });
  }

  /** (B, L, width) to the heads of its queries, (B, heads, L, headSize). */
  queries(x: Tensor): Tensor {
    return this.#split(this.#query, x, this.heads);
  }

  /** (B, L, width) to the heads of its keys, (B, keyHeads, L, headSize). */
  keys(x: Tensor): Tensor {
    return this.#split(this.#key, x, this.#keyHeads);
  }

  /** (B, L, width) to the heads of its values, (B, keyHeads, L, headSize). */
  values(x: Tensor): Tensor {
    return this.#split(this.#value, x, this.#keyHeads);
  }

  /** What the heads have gathered, (B, heads, L, headSize), to f32 (B, L, width). */
  output(gathered: Tensor): Tensor {
    checkArgument('multiHeadAttention', 'gathered', gathered, anyTensor);
    return this.runtime.scope(() => this.#out.forward(joinHeads(gathered), { outDtype: 'f32' }));
  }

  #split(layer: LinearLayer, x: Tensor, heads: number): Tensor {
    checkArgument('multiHeadAttention', 'x', x, anyTensor);
    expectSequence(x, this.width);
    return this.runtime.scope(() => splitHeads(layer.forward(this.#linears.input(x)), heads));
  }
}

/** @throws ShapeError */
function expectSequence(x: Tensor, width: number): void {
  const [batch = 0, length = 0] = x.shape;
  within('multiHeadAttention', () => expectShape(x, 'x', [batch, length, width]));
}
