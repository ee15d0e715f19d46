import type { LastLayer } from '../../diffusion/masked.js';
import { normalInitial } from '../../nn/initial.js';
import { Linear } from '../../nn/linear.js';
import { Module, type Parameter, type WeightDtype } from '../../nn/module.js';
import { RmsNorm } from '../../nn/norm.js';
import { attention } from '../../ops/attention.js';
import type { AttentionMask } from '../../ops/attention-problem.js';
import { add, mul } from '../../ops/binary.js';
import { cast } from '../../ops/cast.js';
import { embedding } from '../../ops/gather.js';
import { linear } from '../../ops/matmul.js';
import { permute } from '../../ops/permute.js';
import { rotary, rotaryTable } from '../../ops/rotary.js';
import type { Runtime } from '../../tensor/runtime.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { LanguageConfig } from './language-config.js';

export interface LanguageModelOptions {
  /** How matrices are stored, and the type of the products; f16 where the device has it. Default f32. */
  readonly weights?: WeightDtype;
  /** Positions of the longest sequence; default those of the configuration. */
  readonly maxLength?: number;
}

export interface ForwardOptions {
  /** u32 (B, L) or (L): default 0 to L - 1. */
  readonly positions?: Tensor;
  /** u32 (B, L): positions where it is 0 are seen by none, such as padding on the left. */
  readonly keyMask?: Tensor;
  /** Default: every position sees all others. */
  readonly mask?: AttentionMask;
}

/** LLaDA starts from normal numbers of this deviation. */
const initial = normalInitial(0.02);

/** What the layers of a model have in common. */
class Shared {
  constructor(
    readonly runtime: Runtime,
    readonly config: LanguageConfig,
    readonly weights: WeightDtype,
  ) {}

  /** Every linear layer of the model is made here. */
  linear(inputs: number, outputs: number): Linear {
    return new Linear(this.runtime, inputs, outputs, { bias: false, initial, dtype: this.weights });
  }

  norm(): RmsNorm {
    return new RmsNorm(this.runtime, this.config.hidden, { eps: this.config.epsilon });
  }

  /** What linear layers take of f32 numbers. */
  input(x: Tensor): Tensor {
    return x.dtype === this.weights ? x : cast(x, this.weights);
  }
}

interface Context extends ForwardOptions {
  /** Of `rotaryTable`. */
  readonly table: Tensor;
}

/** Attention with rotary positions, where several heads of the queries may share one of keys and values. */
class SelfAttention extends Module {
  readonly #headSize;
  readonly #query;
  readonly #key;
  readonly #value;
  readonly #out;

  constructor(shared: Shared) {
    super(shared.runtime);
    const { hidden, heads, keyHeads, headSize } = shared.config;
    this.#headSize = headSize;
    this.#query = this.child('q_proj', shared.linear(hidden, heads * headSize));
    this.#key = this.child('k_proj', shared.linear(hidden, keyHeads * headSize));
    this.#value = this.child('v_proj', shared.linear(hidden, keyHeads * headSize));
    this.#out = this.child('o_proj', shared.linear(heads * headSize, hidden));
    // Older Llama checkpoints store what follows from the configuration.
    this.unused('rotary_emb.inv_freq');
  }

  /** (B, L, D) of the weights' type to f32 (B, L, D). */
  forward(x: Tensor, { table, positions, keyMask, mask }: Context): Tensor {
    const turned = (layer: Linear) => rotary({ x: this.#split(layer.forward(x)), table, positions });
    const { output } = attention(
      {
        query: turned(this.#query),
        key: turned(this.#key),
        value: this.#split(this.#value.forward(x)),
        keyMask,
      },
      mask ? { mask } : {},
    );
    const [batch, length] = x.shape as [number, number];
    const joined = permute(output, [0, 2, 1, 3]).reshape([batch, length, -1]);
    return this.#out.forward(joined, { outDtype: 'f32' });
  }

  /** (B, L, heads · size) to (B, heads, L, size). */
  #split(x: Tensor): Tensor {
    const [batch, length] = x.shape as [number, number];
    return permute(x.reshape([batch, length, -1, this.#headSize]), [0, 2, 1, 3]);
  }
}

/** SwiGLU (Shazeer, arXiv:2002.05202): down(silu(gate(x)) · up(x)). */
class FeedForward extends Module {
  readonly #gate;
  readonly #up;
  readonly #down;

  constructor(shared: Shared) {
    super(shared.runtime);
    const { hidden, intermediate } = shared.config;
    this.#gate = this.child('gate_proj', shared.linear(hidden, intermediate));
    this.#up = this.child('up_proj', shared.linear(hidden, intermediate));
    this.#down = this.child('down_proj', shared.linear(intermediate, hidden));
  }

  /** (B, L, D) of the weights' type to f32 (B, L, D). */
  forward(x: Tensor): Tensor {
    const gated = mul(this.#gate.forward(x, { activation: 'silu' }), this.#up.forward(x));
    return this.#down.forward(gated, { outDtype: 'f32' });
  }
}

class Layer extends Module {
  readonly #shared;
  readonly #attentionNorm;
  readonly #attention;
  readonly #feedNorm;
  readonly #feed;

  constructor(shared: Shared) {
    super(shared.runtime);
    this.#shared = shared;
    this.#attentionNorm = this.child('input_layernorm', shared.norm());
    this.#attention = this.child('self_attn', new SelfAttention(shared));
    this.#feedNorm = this.child('post_attention_layernorm', shared.norm());
    this.#feed = this.child('mlp', new FeedForward(shared));
  }

  /** f32 (B, L, D) to the same. */
  forward(x: Tensor, context: Context): Tensor {
    return this.runtime.scope(() => {
      const input = (norm: RmsNorm, x: Tensor) => this.#shared.input(norm.forward(x));
      const y = add(x, this.#attention.forward(input(this.#attentionNorm, x), context));
      return add(y, this.#feed.forward(input(this.#feedNorm, y)));
    });
  }
}

/**
 * The language model of LLaDA and LLaDA-V: a Llama without a causal mask, so that every position sees all others. Its
 * weights have Llama's names; `languageTensorName` gives them to LLaDA's. With f16 weights the products are of f16
 * numbers and summed in f32; what goes from layer to layer, and the norms, stay f32.
 */
export class LanguageModel extends Module {
  readonly #shared: Shared;
  readonly #embedding: Parameter;
  readonly #layers: readonly Layer[];
  readonly #norm: RmsNorm;
  readonly #vocabulary: Parameter;
  readonly #table: Tensor;

  /** @throws OptionError */
  constructor(
    runtime: Runtime,
    readonly config: LanguageConfig,
    { weights = 'f32', maxLength = config.maxPositions }: LanguageModelOptions = {},
  ) {
    super(runtime);
    const { hidden, layers, vocabulary, headSize, ropeTheta, tied } = config;
    const shared = new Shared(runtime, config, weights);
    this.#shared = shared;
    const matrix = [vocabulary, hidden];
    this.#embedding = this.parameter('model.embed_tokens.weight', matrix, initial, weights);
    this.#layers = Array.from({ length: layers }, (_, i) =>
      this.child(`model.layers.${i}`, new Layer(shared)),
    );
    this.#norm = this.child('model.norm', shared.norm());
    this.#vocabulary = tied ? this.#embedding : this.parameter('lm_head.weight', matrix, initial, weights);
    // Some write the same matrix twice.
    if (tied) this.unused('lm_head.weight');
    this.#table = runtime.detached(() => rotaryTable(runtime, maxLength, headSize, ropeTheta));
  }

  /** Ids u32 (B, L) to f32 (B, L, D). */
  embed(ids: Tensor): Tensor {
    return this.runtime.scope(() => {
      const rows = embedding({ table: this.#embedding.tensor, ids });
      return rows.dtype === 'f32' ? rows : cast(rows, 'f32');
    });
  }

  /**
   * Embeddings f32 (B, L, D) to the hidden states behind the last norm, f32 (B, L, D).
   * @throws ShapeError, DtypeError, OptionError where the sequence is longer than the model was made for
   */
  forward(embeddings: Tensor, options: ForwardOptions = {}): Tensor {
    return this.runtime.scope(() => {
      const context = { ...options, table: this.#table };
      return this.#norm.forward(this.#layers.reduce((x, layer) => layer.forward(x, context), embeddings));
    });
  }

  /** Hidden states (…, D) to logits f32 (…, V). */
  logits(hidden: Tensor): Tensor {
    return this.runtime.scope(() => {
      const { hidden: input, weight } = this.lastLayer(hidden);
      return linear({ input, weight }, { outDtype: 'f32' });
    });
  }

  /** The same, not multiplied: for the operations that never write logits, such as those of `MaskedSampler`. */
  lastLayer(hidden: Tensor): LastLayer {
    return { hidden: this.#shared.input(hidden), weight: this.#vocabulary.tensor };
  }

  override dispose(): void {
    super.dispose();
    this.#table.dispose();
  }
}
