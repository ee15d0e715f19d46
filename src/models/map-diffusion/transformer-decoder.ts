import { OptionError } from '../../errors.js';
import { FeedForward } from '../../nn/feed-forward.js';
import { normalInitial } from '../../nn/initial.js';
import { Linear } from '../../nn/linear.js';
import { Module, type Parameter } from '../../nn/module.js';
import { MultiHeadAttention } from '../../nn/multi-head-attention.js';
import { LayerNorm } from '../../nn/norm.js';
import { add } from '../../ops/array/binary.js';
import { cast } from '../../ops/array/cast.js';
import { concat } from '../../ops/array/concat.js';
import { transpose } from '../../ops/array/permute.js';
import type { MapScale } from '../../ops/iou-map/map-layout.js';
import type { Runtime } from '../../tensor/runtime.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { MapDiffusionConfig } from './config.js';
import { Decoder, type ScaleCondition } from './decoder.js';
import { TokenStylization } from './stylization.js';

/** Attention of all cells of a map, and a feed-forward network, each with LayerNorm before and stylization after it. */
class Block extends Module {
  readonly #norm: LayerNorm;
  readonly #attention: MultiHeadAttention;
  readonly #feedNorm: LayerNorm;
  readonly #feed: FeedForward;
  readonly #styles: readonly [TokenStylization, TokenStylization] | undefined;

  constructor(
    runtime: Runtime,
    width: number,
    time: number,
    { heads, stylization }: MapDiffusionConfig['decoder'],
  ) {
    super(runtime);
    this.#norm = this.child('norm', new LayerNorm(runtime, width));
    const projections = { query: 'query', key: 'key', value: 'value', out: 'out' };
    this.#attention = this.inline(new MultiHeadAttention(runtime, width, heads, { projections }));
    this.#feedNorm = this.child('ffn.norm', new LayerNorm(runtime, width));
    this.#feed = this.child('ffn', new FeedForward(runtime, width, 2 * width, { activation: 'gelu' }));
    const style = (name: string) => this.child(name, new TokenStylization(runtime, width, time));
    this.#styles = stylization.layers ? [style('style'), style('ffn.style')] : undefined;
  }

  /**
   * @param x (Q, T, width)
   * @param more further keys (Q, T, width), of cells in the same order
   * @param keyMask (Q, T) u32
   */
  forward(x: Tensor, time: Tensor, more: Tensor | undefined, keyMask: Tensor): Tensor {
    return this.runtime.scope(() => {
      const queries = this.#norm.forward(x);
      const keys = more ? concat([queries, this.#norm.forward(more)], 1) : queries;
      const attended = this.#attention.forward(queries, {
        key: keys,
        keyMask: more ? concat([keyMask, keyMask], 1) : keyMask,
      });
      const y = add(x, this.#styles?.[0].forward(attended, time) ?? attended);
      const fed = this.#feed.forward(this.#feedNorm.forward(y));
      return add(y, this.#styles?.[1].forward(fed, time) ?? fed);
    });
  }
}

/**
 * Transformer blocks over the cells of one scale, or of all scales, after MotionDiffuse's with attention by softmax (ours: a linear layer
 * after the attention, LayerNorm before the feed-forward network too, one LayerNorm for H and F). Condition by
 * cross-attention: H is the query, the cells of H and F are keys and values. By concatenation: self-attention of the
 * cells of [H, F].
 *
 * Attention does not know which cell is which. So each cell has a learned position, as the frames of a motion have in
 * MotionDiffuse. The cells of F as keys get the same positions (ours): a cell of H can then find its own features.
 */
export class TransformerDecoder extends Decoder {
  readonly #embed: Linear;
  /** F with as many channels as H, for its keys (ours: the paper leaves d_F = d_H). */
  readonly #match: Linear | undefined;
  /** (cells, width) */
  readonly #positions: Parameter;
  readonly #blocks: readonly Block[];
  readonly #head: Linear;

  /**
   * @param time channels of e_t
   * @throws OptionError where the heads do not divide the width
   */
  constructor(
    runtime: Runtime,
    { decoder, hidden, layout }: MapDiffusionConfig,
    time: number,
    { rows }: Pick<MapScale, 'rows'>,
  ) {
    super(runtime);
    const crosses = decoder.condition === 'cross-attention';
    const width = crosses ? decoder.embedding : decoder.embedding + hidden;
    if (width % decoder.heads !== 0) {
      throw new OptionError(
        `decoder.heads must divide the width of the blocks, ${width}, not be ${decoder.heads}`,
      );
    }
    this.#embed = this.child('embed', new Linear(runtime, 1, decoder.embedding));
    this.#match = crosses ? this.child('match', new Linear(runtime, hidden, width)) : undefined;
    this.#positions = this.parameter('positions', [rows * layout.durations, width], normalInitial(1));
    this.#blocks = Array.from({ length: decoder.layers }, (_, i) =>
      this.child(`blocks.${i}`, new Block(runtime, width, time, decoder)),
    );
    this.#head = this.child('head', new Linear(runtime, width, 1));
  }

  prepare(condition: ScaleCondition): ScaleCondition {
    return { ...condition, prepared: this.#conditionTokens(condition) };
  }

  forward(state: Tensor, time: Tensor, condition: ScaleCondition): Tensor {
    return this.runtime.scope(() => {
      const [batch] = state.shape as [number];
      const embedded = this.#embed.forward(state.reshape([batch, -1, 1]));
      const more = condition.prepared ?? this.#conditionTokens(condition);
      const keyMask = cast(condition.mask.reshape([batch, -1]), 'u32');
      const first = add(this.#match ? embedded : concat([embedded, more], 2), this.#positions.tensor);
      const x = this.#blocks.reduce(
        (tokens, block) => block.forward(tokens, time, this.#match && more, keyMask),
        first,
      );
      return this.#head.forward(x).reshape(state.shape);
    });
  }

  /** F as tokens (Q, T, channels); as keys, with their positions. */
  #conditionTokens({ fused }: ScaleCondition): Tensor {
    return this.runtime.scope(() => {
      const [batch, channels] = fused.shape as [number, number];
      const tokens = transpose(fused.reshape([batch, channels, -1]));
      return this.#match ? add(this.#match.forward(tokens), this.#positions.tensor) : tokens;
    });
  }
}
