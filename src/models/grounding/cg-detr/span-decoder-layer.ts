import { type Drop, Dropout, DropPath } from '../../../nn/dropout.js';
import { FeedForward } from '../../../nn/feed-forward.js';
import { Linear } from '../../../nn/linear.js';
import { Module } from '../../../nn/module.js';
import { LayerNorm } from '../../../nn/norm.js';
import { add } from '../../../ops/array/binary.js';
import { concat } from '../../../ops/array/concat.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { CgDetrConfig } from './config.js';
import { HeadAttention } from './head-attention.js';
import type { Encoded } from './interaction.js';

export interface SpanDecoderInputs {
  readonly memory: Pick<Encoded, 'memory' | 'memoryMask' | 'memoryPositions'>;
  /** (B, Q, d): position of each query. */
  readonly position: Tensor;
  /** (B, Q, d): what each query looks for among the positions of the memory. */
  readonly sine: Tensor;
}

/**
 * A layer of DAB-DETR's decoder: self-attention with positions projected on their own, attention to the memory by
 * content and position side by side in each head (Conditional DETR, arXiv:2108.06152), and a feed-forward network. The first layer adds positions to the
 * content too.
 */
export class SpanDecoderLayer extends Module {
  readonly #self: Projections<'qcontent' | 'qpos' | 'kcontent' | 'kpos' | 'v'>;
  readonly #cross: Projections<'qcontent' | 'kcontent' | 'kpos' | 'v' | 'qpos_sine'>;
  readonly #firstPosition: Linear | undefined;
  readonly #selfAttention: HeadAttention;
  readonly #crossAttention: HeadAttention;
  readonly #feed: FeedForward;
  readonly #residuals: readonly { norm: LayerNorm; drop: Drop }[];

  constructor(
    runtime: Runtime,
    { width, heads, intermediate, activation, dropout, dropPath }: CgDetrConfig,
    first: boolean,
  ) {
    super(runtime);
    const linear = (name: string) => this.child(`${name}_proj`, new Linear(runtime, width, width));
    const attention = (name: string) => this.child(name, new HeadAttention(runtime, width, heads, dropout));
    const projections = <Name extends string>(of: string, ...names: Name[]) =>
      Object.fromEntries(names.map((name) => [name, linear(`${of}_${name}`)])) as Projections<Name>;
    this.#self = projections('sa', 'qcontent', 'qpos', 'kcontent', 'kpos', 'v');
    this.#cross = projections('ca', 'qcontent', 'kcontent', 'kpos', 'v', 'qpos_sine');
    this.#firstPosition = first ? linear('ca_qpos') : undefined;
    this.#selfAttention = attention('self_attn');
    this.#crossAttention = attention('cross_attn');
    this.#feed = this.inline(new FeedForward(runtime, width, intermediate, { activation, dropout }));
    this.#residuals = [1, 2, 3].map((n) => ({
      norm: this.child(`norm${n}`, new LayerNorm(runtime, width)),
      drop: this.child(
        `dropout${n}`,
        dropPath ? new DropPath(runtime, dropout) : new Dropout(runtime, dropout),
      ),
    }));
  }

  /** Queries (B, Q, d) to the same. */
  forward(x: Tensor, inputs: SpanDecoderInputs): Tensor {
    const parts = [
      (y: Tensor) => this.#attendSelf(y, inputs),
      (y: Tensor) => this.#attendMemory(y, inputs),
      (y: Tensor) => this.#feed.forward(y),
    ];
    return this.runtime.scope(() =>
      parts.reduce((y, part, i) => {
        const { norm, drop } = this.#residuals[i]!;
        return this.runtime.scope(() => norm.forward(add(y, drop.forward(part(y)))));
      }, x),
    );
  }

  #attendSelf(x: Tensor, { position }: SpanDecoderInputs): Tensor {
    const { qcontent, qpos, kcontent, kpos, v } = this.#self;
    const query = add(qcontent.forward(x), qpos.forward(position));
    const key = add(kcontent.forward(x), kpos.forward(position));
    return this.#selfAttention.forward(query, { key, value: v.forward(x) }).output;
  }

  #attendMemory(x: Tensor, { memory: of, position, sine }: SpanDecoderInputs): Tensor {
    const { qcontent, kcontent, kpos, v, qpos_sine } = this.#cross;
    const { memory, memoryMask, memoryPositions } = of;
    const place = kpos.forward(memoryPositions);
    const [queries, keys] = [qcontent.forward(x), kcontent.forward(memory)];
    const first = this.#firstPosition;
    const query = first ? add(queries, first.forward(position)) : queries;
    const key = first ? add(keys, place) : keys;
    return this.#crossAttention.forward(this.#sideBySide(query, qpos_sine.forward(sine)), {
      ...{ key: this.#sideBySide(key, place), value: v.forward(memory), keyMask: memoryMask },
    }).output;
  }

  /** Two (B, L, d) with the heads of both beside each other, (B, L, 2 d). */
  #sideBySide(a: Tensor, b: Tensor): Tensor {
    const [batch, length, width] = a.shape as [number, number, number];
    const { heads } = this.#crossAttention;
    const split = (x: Tensor) => x.reshape([batch, length, heads, width / heads]);
    return concat([split(a), split(b)], 3).reshape([batch, length, 2 * width]);
  }
}

type Projections<Name extends string> = Readonly<Record<Name, Linear>>;
