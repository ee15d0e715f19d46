import {
  checkArgument,
  checkFields,
  flag,
  integer,
  listOf,
  oneOf,
  onlyFields,
  optional,
  pairOf,
  positive,
  type Rules,
  text,
} from '../arguments.js';
import { OptionError, ShapeError } from '../errors.js';
import { add } from '../ops/array/binary.js';
import { cast } from '../ops/array/cast.js';
import { type AttentionMask, attentionMaskRule } from '../ops/attention/attention-mask.js';
import { within } from '../ops/call.js';
import type { Runtime } from '../tensor/runtime.js';
import { broadcastShapes, sameShape } from '../tensor/shape.js';
import { anyTensor, expectDtype, type Tensor } from '../tensor/tensor.js';
import { chain } from './chain.js';
import { type Drop, Dropout, DropPath, dropRate } from './dropout.js';
import { FeedForward, type LayerActivation, layerActivation } from './feed-forward.js';
import { checkLayer } from './layer-rules.js';
import { LinearFactory } from './linear-factory.js';
import { Module } from './module.js';
import {
  type AttentionNames,
  MultiHeadAttention,
  projectionsRule,
  storageRule,
} from './multi-head-attention.js';
import { LayerNorm } from './norm.js';
import type { WeightStorage } from './weight-storage.js';

/** Names of the parts of a block in a checkpoint. */
export interface TransformerNames {
  /** Default `self_attn`. */
  readonly attention?: string;
  /** Default `multihead_attn`. */
  readonly crossAttention?: string;
  /** Of the linear layers of each attention; default `packed` (see `MultiHeadAttention`). */
  readonly projections?: 'packed' | AttentionNames;
  /** Default `linear1` and `linear2`. */
  readonly feedForward?: readonly [first: string, second: string];
  /** In the order of the parts that they belong to; default `norm1`, `norm2` and, with cross-attention, `norm3`. */
  readonly norms?: readonly string[];
}

export interface TransformerBlockOptions {
  /** Heads of the attention, a divisor of the width. */
  readonly heads: number;
  /** Width between the layers of the feed-forward network. */
  readonly intermediate: number;
  /** Whether each LayerNorm stands before its part, x + part(norm(x)), or after it, norm(x + part(x)). Default `post`. */
  readonly norm?: 'pre' | 'post';
  /** With attention to another sequence after the self-attention. Default false. */
  readonly crossAttention?: boolean;
  /** Of the feed-forward network; default ReLU. `prelu` has a learned slope, `activation.weight`. */
  readonly activation?: LayerActivation;
  /**
   * Share that training drops of what each part gives, of the probabilities of attention, and of the activations of the
   * feed-forward network. Default 0.
   */
  readonly dropout?: number;
  /** Whether training drops what a part gives of whole samples (`DropPath`), not of single elements. Default false. */
  readonly dropPath?: boolean;
  /** Of the LayerNorms; default 1e-5. */
  readonly eps?: number;
  /** How the matrices are stored; default f32. With others the products are of that type's numbers, all else is f32. */
  readonly weights?: WeightStorage;
  /** Default the names of PyTorch's `nn.TransformerEncoderLayer` and `nn.TransformerDecoderLayer`. */
  readonly names?: TransformerNames;
}

export interface TransformerInputs {
  /** u32 (B, L): positions where it is 0 are not attended. */
  readonly keyMask?: Tensor | undefined;
  /** (B, L), at least 0, in the place of `keyMask`: probabilities p of the self-attention become p w / Σ p w. */
  readonly keyWeight?: Tensor | undefined;
  /** Which positions a position may attend; default all. */
  readonly mask?: AttentionMask | undefined;
  /** (B, Lm, width): the other sequence, of a block with cross-attention. */
  readonly memory?: Tensor | undefined;
  /** u32 (B, Lm): positions of `memory` where it is 0 are not attended. */
  readonly memoryMask?: Tensor | undefined;
  /** (B, Lm), in the place of `memoryMask`: as `keyWeight`, for the cross-attention. */
  readonly memoryWeight?: Tensor | undefined;
  /** f32, of a shape that broadcasts to that of x: added to what queries and self-attended keys are made of. */
  readonly positions?: Tensor | undefined;
  /** The same for `memory`: added to what the keys of the cross-attention are made of. */
  readonly memoryPositions?: Tensor | undefined;
}

const optionRules: Rules<TransformerBlockOptions> = {
  heads: integer(1),
  intermediate: integer(1),
  norm: optional(oneOf('pre', 'post')),
  crossAttention: optional(flag),
  activation: optional(layerActivation),
  dropout: optional(dropRate),
  dropPath: optional(flag),
  eps: optional(positive),
  weights: optional(storageRule),
  names: optional(
    onlyFields<TransformerNames>({
      attention: optional(text),
      crossAttention: optional(text),
      projections: optional(projectionsRule),
      feedForward: optional(pairOf(text)),
      norms: optional(listOf(text)),
    }),
  ),
};

const inputRules: Rules<TransformerInputs> = {
  keyMask: optional(anyTensor),
  keyWeight: optional(anyTensor),
  mask: optional(attentionMaskRule),
  memory: optional(anyTensor),
  memoryMask: optional(anyTensor),
  memoryWeight: optional(anyTensor),
  positions: optional(anyTensor),
  memoryPositions: optional(anyTensor),
};

/** A LayerNorm and a dropout around a part of a block. */
interface Residual {
  readonly norm: LayerNorm;
  readonly dropout: Drop;
}

/**
 * A block of a Transformer (Vaswani et al., arXiv:1706.03762, section 3.1): self-attention, attention to another sequence
 * where asked for, and a feed-forward network, each with a residual connection and a LayerNorm. By default it has the
 * numbers and the names of PyTorch's `nn.TransformerEncoderLayer`, or with cross-attention `nn.TransformerDecoderLayer`
 * (batch first). With `positions` and `memoryPositions` it is a layer of DETR (Carion et al., arXiv:2005.12872, appendix
 * A.3), which adds them to queries and keys in each layer, not to the values.
 */
export class TransformerBlock extends Module {
  readonly #preNorm: boolean;
  readonly #linears: LinearFactory;
  readonly #attention: MultiHeadAttention;
  readonly #crossAttention: MultiHeadAttention | undefined;
  readonly #feedForward: FeedForward;
  readonly #residuals: readonly Residual[];

  /** @throws OptionError */
  constructor(runtime: Runtime, width: number, options: TransformerBlockOptions) {
    checkLayer('TransformerBlock', runtime, { width });
    checkFields('TransformerBlock', options, optionRules);
    const { heads, intermediate, norm = 'post', crossAttention = false, activation = 'relu' } = options;
    const { dropout = 0, dropPath = false, eps = 1e-5, weights = 'f32', names = {} } = options;
    const parts = crossAttention ? 3 : 2;
    const { projections = 'packed', norms = ['norm1', 'norm2', 'norm3'].slice(0, parts) } = names;
    if (norms.length !== parts) {
      throw new OptionError(`TransformerBlock: names.norms must be ${parts} names, not ${norms.length}`);
    }
    super(runtime);
    this.#preNorm = norm === 'pre';
    this.#linears = new LinearFactory(runtime, weights);
    this.#residuals = norms.map((name, i) => ({
      norm: this.child(name, new LayerNorm(runtime, width, { eps })),
      dropout: this.child(
        `dropout${i + 1}`,
        dropPath ? new DropPath(runtime, dropout) : new Dropout(runtime, dropout),
      ),
    }));
    const attention = (name: string) =>
      this.child(name, new MultiHeadAttention(runtime, width, heads, { projections, weights, dropout }));
    this.#attention = attention(names.attention ?? 'self_attn');
    this.#crossAttention = crossAttention ? attention(names.crossAttention ?? 'multihead_attn') : undefined;
    this.#feedForward = this.inline(
      new FeedForward(runtime, width, intermediate, {
        ...{ activation, dropout, weights },
        ...(names.feedForward && { names: names.feedForward }),
      }),
    );
  }

  /**
   * f32 (B, L, width) to the same.
   * @throws ShapeError, DtypeError, OptionError where `memory` is missing, or not asked for
   */
  forward(x: Tensor, inputs: TransformerInputs = {}): Tensor {
    checkArgument('transformerBlock', 'x', x, anyTensor);
    checkFields('transformerBlock', inputs, inputRules);
    const { keyMask, keyWeight, mask, memory, memoryMask, memoryWeight, positions, memoryPositions } = inputs;
    const cross = this.#crossAttention;
    if (cross ? !memory : memory || memoryMask || memoryWeight || memoryPositions) {
      throw new OptionError(
        `transformerBlock: ${cross ? 'memory is missing' : 'memory and what belongs to it need cross-attention'}`,
      );
    }
    const parts = [
      (y: Tensor) => {
        const placed = this.#placed(y, 'positions', positions);
        return this.#attention.forward(placed, { value: y, keyMask, keyWeight, mask });
      },
      ...(cross && memory
        ? [
            (y: Tensor) =>
              cross.forward(this.#placed(y, 'positions', positions), {
                key: this.#placed(memory, 'memoryPositions', memoryPositions),
                value: memory,
                keyMask: memoryMask,
                keyWeight: memoryWeight,
              }),
          ]
        : []),
      (y: Tensor) => this.#feedForward.forward(y),
    ];
    return this.runtime.scope(() =>
      chain(x, parts, (y, part, i) => this.#around(this.#residuals[i]!, y, part)),
    );
  }

  /** With its positions added. */
  #placed(x: Tensor, name: string, positions: Tensor | undefined): Tensor {
    if (!positions) return x;
    within('transformerBlock', () => {
      expectDtype(positions, name, 'f32');
      if (!sameShape(broadcastShapes(x.shape, positions.shape), x.shape)) {
        throw new ShapeError(`${name} must broadcast to ${x}, not be ${positions}`);
      }
    });
    return add(x, x.dtype === 'f32' ? positions : cast(positions, x.dtype));
  }

  /** One part with its residual connection. Frees what only it needs. */
  #around({ norm, dropout }: Residual, x: Tensor, part: (y: Tensor) => Tensor): Tensor {
    const { runtime } = this;
    return runtime.scope(() => {
      const input = runtime.scope(() => this.#linears.input(this.#preNorm ? norm.forward(x) : x));
      const sum = add(x, dropout.forward(part(input)));
      return this.#preNorm ? sum : norm.forward(sum);
    });
  }
}
