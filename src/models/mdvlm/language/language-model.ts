import { checkArgument, checkArguments, checkFields } from '../../../arguments.js';
import { checkpoint } from '../../../autograd/checkpoint.js';
import type { LastLayer } from '../../../diffusion/token-logits.js';
import { OptionError } from '../../../errors.js';
import { chain } from '../../../nn/chain.js';
import { inChunks } from '../../../nn/chunks.js';
import { type Initial, normalInitial } from '../../../nn/initial.js';
import type { LinearLayer } from '../../../nn/linear.js';
import { LinearFactory } from '../../../nn/linear-factory.js';
import { LoraAdapter } from '../../../nn/lora.js';
import { Module, type Parameter } from '../../../nn/module.js';
import { MultiHeadAttention } from '../../../nn/multi-head-attention.js';
import { RmsNorm } from '../../../nn/norm.js';
import type { WeightDtype } from '../../../nn/stored-weight.js';
import type { WeightStorage } from '../../../nn/weight-storage.js';
import { add, mul } from '../../../ops/array/binary.js';
import { cast } from '../../../ops/array/cast.js';
import { embedding } from '../../../ops/array/gather.js';
import { attention } from '../../../ops/attention/attention.js';
import type { AttentionMask } from '../../../ops/attention/attention-mask.js';
import { rotary, rotaryTable } from '../../../ops/attention/rotary.js';
import { linear } from '../../../ops/matmul/matmul.js';
import type { Runtime } from '../../../tensor/runtime.js';
import { anyRuntime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { anyTensor } from '../../../tensor/tensor.js';
import { type KeysAndValues, KeyValueCache, type OtherPositions } from './key-value-cache.js';
import type { LanguageConfig } from './language-config.js';
import { languageRule } from './language-config.js';
import {
  type ForwardOptions,
  forwardRules,
  type LanguageModelOptions,
  languageModelRules,
} from './language-options.js';

/** What LLaDA's embeddings start from; the deviation is about that of its linear layers too, 1/√width. */
export const plainEmbedding = normalInitial(0.02);

const { others: _, ...prefixRules } = forwardRules;

/** What others see of positions that they do not change. */
export interface Prefix {
  readonly layers: readonly KeysAndValues[];
  /** Before the last layer, f32 (B, L, D). */
  readonly states: Tensor;
}

/** What the layers of a model have in common. */
class Shared {
  readonly linears: LinearFactory;

  constructor(
    readonly runtime: Runtime,
    readonly config: LanguageConfig,
    weights: WeightStorage,
    readonly lora: LoraAdapter | undefined,
  ) {
    this.linears = new LinearFactory(runtime, weights);
  }

  norm(): RmsNorm {
    return new RmsNorm(this.runtime, this.config.hidden, { eps: this.config.epsilon });
  }
}

/** What a layer sees beside its input. */
interface Context {
  /** Of `rotaryTable`. */
  readonly table: Tensor;
  readonly positions: Tensor | undefined;
  readonly keyMask: Tensor | undefined;
  readonly mask: AttentionMask | undefined;
  readonly others: OtherPositions | undefined;
  /** Which layer it is. */
  readonly layer: number;
}

/** What the linear layers of that many inputs start from. */
function linearStart(inputs: number): Initial {
  return normalInitial(1 / Math.sqrt(inputs));
}

/** Attention with rotary positions, where several heads of the queries may share one of keys and values. */
class SelfAttention extends Module {
  readonly #heads: MultiHeadAttention;

  /** @param path its name in the model */
  constructor({ runtime, config, linears, lora }: Shared, path: string) {
    super(runtime);
    const { hidden, heads, keyHeads, headSize } = config;
    this.#heads = this.inline(
      new MultiHeadAttention(runtime, hidden, heads, {
        ...{ keyHeads, headSize, bias: false, weights: linears.weights, initial: linearStart },
        projections: { query: 'q_proj', key: 'k_proj', value: 'v_proj', out: 'o_proj' },
        ...(lora && {
          adapt: (name, layer, inputs, outputs) => lora.around(`${path}.${name}`, layer, inputs, outputs),
        }),
      }),
    );
    // Older Llama checkpoints store what follows from the configuration.
    this.unused('rotary_emb.inv_freq');
  }

  /** (B, L, D) of the products' type to f32 (B, L, D). */
  forward(x: Tensor, context: Context): Tensor {
    return this.#heads.output(this.#attended(x, context));
  }

  /** What each head of the queries gathers, (B, heads, L, size). */
  #attended(x: Tensor, context: Context): Tensor {
    return this.runtime.scope(() => {
      const { keyMask, mask, others, layer } = context;
      const own = this.keysAndValues(x, context);
      const { output } = attention(
        {
          query: this.#turned(() => this.#heads.queries(x), context),
          ...(others?.all(layer, own) ?? own),
          keyMask,
        },
        mask ? { mask } : {},
      );
      return output;
    });
  }

  keysAndValues(x: Tensor, context: Context): KeysAndValues {
    return {
      key: this.#turned(() => this.#heads.keys(x), context),
      value: this.#heads.values(x),
    };
  }

  /** Heads (B, heads, L, size) turned by their positions. */
  #turned(heads: () => Tensor, { table, positions, others }: Context): Tensor {
    const offset = positions ? 0 : (others?.start ?? 0);
    return this.runtime.scope(() => rotary({ x: heads(), table, positions }, { offset }));
  }
}

/** SwiGLU (Shazeer, arXiv:2002.05202): down(silu(gate(x)) · up(x)). */
class FeedForward extends Module {
  readonly #gate;
  readonly #up;
  readonly #down;

  /** @param path its name in the model */
  constructor({ runtime, config, linears, lora }: Shared, path: string) {
    super(runtime);
    const { hidden, intermediate } = config;
    const linear = (name: string, inputs: number, outputs: number): LinearLayer => {
      const options = { bias: false, initial: linearStart(inputs) };
      const layer = this.child(name, linears.linear(inputs, outputs, options));
      return lora?.around(`${path}.${name}`, layer, inputs, outputs) ?? layer;
    };
    this.#gate = linear('gate_proj', hidden, intermediate);
    this.#up = linear('up_proj', hidden, intermediate);
    this.#down = linear('down_proj', intermediate, hidden);
  }

  /** (B, L, D) of the products' type to f32 (B, L, D). */
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

  /** @param path its name in the model */
  constructor(
    shared: Shared,
    readonly path: string,
  ) {
    super(shared.runtime);
    this.#shared = shared;
    this.#attentionNorm = this.child('input_layernorm', shared.norm());
    this.#attention = this.child('self_attn', new SelfAttention(shared, `${path}.self_attn`));
    this.#feedNorm = this.child('post_attention_layernorm', shared.norm());
    this.#feed = this.child('mlp', new FeedForward(shared, `${path}.mlp`));
  }

  /**
   * f32 (B, L, D) to the same. Each half frees what only it needs, and the second goes through long sequences in
   * chunks: nothing takes as much memory as activations.
   */
  forward(x: Tensor, context: Context): Tensor {
    const { runtime } = this;
    return runtime.scope(() => {
      const y = runtime.scope(() =>
        add(x, this.#attention.forward(this.#input(this.#attentionNorm, x), context)),
      );
      return inChunks(y, this.#shared.config.intermediate, (rows) =>
        runtime.scope(() => add(rows, this.#feed.forward(this.#input(this.#feedNorm, rows)))),
      );
    });
  }

  /** What `forward` attends to, of f32 (B, L, D). */
  keysAndValues(x: Tensor, context: Context): KeysAndValues {
    return this.runtime.scope(() =>
      this.#attention.keysAndValues(this.#input(this.#attentionNorm, x), context),
    );
  }

  #input(norm: RmsNorm, x: Tensor): Tensor {
    return this.runtime.scope(() => this.#shared.linears.input(norm.forward(x)));
  }
}

/**
 * The language model of LLaDA and LLaDA-V: a Llama without a causal mask, so that every position sees all others. Its
 * weights have Llama's names; `languageTensorName` gives them to LLaDA's. With f16 or quantised weights the products are
 * of f16 numbers and summed in f32; what goes from layer to layer, and the norms, stay f32.
 */
export class LanguageModel extends Module {
  /** The additions to its linear layers, whose weights are not among those of the model. */
  readonly lora: LoraAdapter | undefined;
  readonly #shared: Shared;
  readonly #embedding: Parameter;
  readonly #layers: readonly Layer[];
  readonly #norm: RmsNorm;
  readonly #vocabulary: Parameter;
  readonly #table: Tensor;
  readonly #recompute: boolean;

  /** @throws OptionError */
  constructor(
    runtime: Runtime,
    readonly config: LanguageConfig,
    options: LanguageModelOptions = {},
  ) {
    checkArguments('LanguageModel', { runtime, config }, { runtime: anyRuntime, config: languageRule });
    checkFields('LanguageModel', options, languageModelRules);
    super(runtime);
    const { weights = 'f32', maxLength = config.maxPositions, lora, recompute = false } = options;
    const { initialEmbedding = plainEmbedding } = options;
    const { hidden, layers, vocabulary, headSize, ropeTheta, tied } = config;
    this.lora = lora && this.own(() => new LoraAdapter(runtime, lora));
    this.#recompute = recompute;
    const shared = new Shared(runtime, config, weights, this.lora);
    this.#shared = shared;
    const matrix = [vocabulary, hidden];
    this.#embedding = this.parameter(
      'model.embed_tokens.weight',
      matrix,
      initialEmbedding,
      shared.linears.dtype,
    );
    this.#layers = Array.from({ length: layers }, (_, i) => {
      const path = `model.layers.${i}`;
      return this.child(path, new Layer(shared, path));
    });
    this.lora?.checkTargets();
    this.#norm = this.child('model.norm', shared.norm());
    this.#vocabulary = tied
      ? this.#embedding
      : this.parameter('lm_head.weight', matrix, plainEmbedding, shared.linears.dtype);
    // Some write the same matrix twice.
    if (tied) this.unused('lm_head.weight');
    this.#table = this.own(() => rotaryTable(runtime, maxLength, headSize, ropeTheta));
  }

  /** Type of the products. */
  get weightDtype(): WeightDtype {
    return this.#shared.linears.dtype;
  }

  /** Ids u32 (B, L) to f32 (B, L, D). @throws OptionError, DtypeError */
  embed(ids: Tensor): Tensor {
    checkArgument('LanguageModel.embed', 'ids', ids, anyTensor);
    return this.runtime.scope(() => {
      const rows = embedding({ table: this.#embedding.tensor, ids });
      return rows.dtype === 'f32' ? rows : cast(rows, 'f32');
    });
  }

  /**
   * Embeddings f32 (B, L, D) to the hidden states after the last norm, f32 (B, L, D).
   * @throws ShapeError, DtypeError, OptionError where the sequence is longer than the model was made for
   */
  forward(embeddings: Tensor, options: ForwardOptions = {}): Tensor {
    checkArgument('LanguageModel.forward', 'embeddings', embeddings, anyTensor);
    checkFields('LanguageModel.forward', options, forwardRules);
    this.#expectLength(embeddings, options);
    return this.runtime.scope(() => {
      const context = this.#context(options);
      const layers = (x: Tensor, _: Layer, layer: number) => this.#layer(x, { ...context, layer });
      return this.#norm.forward(chain(embeddings, this.#layers, layers, options));
    });
  }

  /**
   * Computes positions that attend only to each other, once for all answers after them: LaViDa's prefix-DLM. What the
   * last layer would make of them is not computed, because nothing uses it.
   * @throws as `forward`
   */
  prefix(embeddings: Tensor, options: Omit<ForwardOptions, 'others'> = {}): Prefix {
    checkArgument('LanguageModel.prefix', 'embeddings', embeddings, anyTensor);
    checkFields<typeof options>('LanguageModel.prefix', options, prefixRules);
    this.#expectLength(embeddings, options);
    return this.runtime.scope(() => {
      const context = this.#context(options);
      const layers: KeysAndValues[] = [];
      const states = chain(
        embeddings,
        this.#layers.slice(0, -1),
        (x, module, layer) => {
          layers.push(module.keysAndValues(x, { ...context, layer }));
          return this.#layer(x, { ...context, layer });
        },
        options,
      );
      const layer = layers.length;
      layers.push(this.#layers[layer]!.keysAndValues(states, { ...context, layer }));
      return { layers, states };
    });
  }

  /** @throws OptionError where the sequence is longer than the model was made for */
  #expectLength(embeddings: Tensor, { positions, others }: ForwardOptions): void {
    if (positions) return;
    const [most] = this.#table.shape as [number, number];
    const tokens = (others?.start ?? 0) + (embeddings.shape[1] ?? 0);
    if (tokens > most) {
      throw new OptionError(`a sequence of ${tokens} tokens is over the ${most} that the model was made for`);
    }
  }

  #context({ positions, keyMask, mask, others }: ForwardOptions) {
    return {
      ...{ table: this.#table, positions, keyMask, others },
      mask: mask && others && mask.kind !== 'none' ? { ...mask, queryOffset: others.start } : mask,
    };
  }

  #layer(x: Tensor, context: Context): Tensor {
    const layer = this.#layers[context.layer]!;
    // What it sees of other positions has gradients of its own.
    const recompute = this.#recompute && this.runtime.tape !== undefined && !context.others;
    if (!recompute) return layer.forward(x, context);
    return checkpoint((x, context) => layer.forward(x, context), [x, context], this.#weightsIn(layer));
  }

  /** All that training may change in a layer. */
  #weightsIn(layer: Layer): Tensor[] {
    const additions = Object.entries(this.lora?.weights() ?? {});
    return [
      ...Object.values(layer.weights()),
      ...additions.flatMap(([name, tensor]) => (name.startsWith(`${layer.path}.`) ? [tensor] : [])),
    ];
  }

  /** An empty cache for sequences of that length. @throws OptionError */
  keyValueCache(batch: number, length: number): KeyValueCache {
    this.checkAlive();
    return new KeyValueCache(this.runtime, this.config, this.#shared.linears.dtype, batch, length);
  }

  /** Hidden states (…, D) to logits f32 (…, V). @throws OptionError, ShapeError */
  logits(hidden: Tensor): Tensor {
    checkArgument('LanguageModel.logits', 'hidden', hidden, anyTensor);
    return this.runtime.scope(() => {
      const { hidden: input, weight } = this.lastLayer(hidden);
      return linear({ input, weight }, { outDtype: 'f32' });
    });
  }

  /** The same, not multiplied: for the operations that never write logits, such as those of `MaskedSampler`. */
  lastLayer(hidden: Tensor): LastLayer {
    checkArgument('LanguageModel.lastLayer', 'hidden', hidden, anyTensor);
    return { hidden: this.#shared.linears.input(hidden), weight: this.#vocabulary.tensor };
  }
}
