import { stopGradient } from '../../../autograd/value-and-grad.js';
import { constantInitial, normalInitial } from '../../../nn/initial.js';
import { Mlp } from '../../../nn/mlp.js';
import type { Parameter } from '../../../nn/module.js';
import { LayerNorm } from '../../../nn/norm.js';
import { SinePositions } from '../../../nn/sine-positions.js';
import { add, div, mul } from '../../../ops/array/binary.js';
import { broadcastTo } from '../../../ops/array/broadcast-to.js';
import { stack } from '../../../ops/array/concat.js';
import { narrow } from '../../../ops/array/slice.js';
import { sigmoid } from '../../../ops/array/unary.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { CgDetrConfig } from './config.js';
import { type Decoded, Decoder } from './decoder.js';
import type { Encoded } from './interaction.js';
import { inverseSigmoid } from './inverse-sigmoid.js';
import { SpanDecoderLayer } from './span-decoder-layer.js';

/**
 * The decoder of DAB-DETR (Liu et al., arXiv:2201.12329) in one dimension: queries are spans, centre and width, learned and
 * then refined from layer to layer. The sine embedding of a span is the position of its query; for the attention to clips it
 * is scaled by what the query knows, and sharpened by the width that it expects over the width that it has. No gradient
 * goes from a layer to the spans that it starts from, but for those that are learned.
 */
export class SpanDecoder extends Decoder {
  readonly #queries: Parameter;
  readonly #layers: readonly SpanDecoderLayer[];
  readonly #norm: LayerNorm;
  readonly #sines: SinePositions;
  readonly #position: Mlp;
  readonly #scale: Mlp;
  readonly #expected: Mlp;
  readonly #change: Mlp;

  constructor(runtime: Runtime, config: CgDetrConfig) {
    super(runtime);
    const { width, decoder } = config;
    const mlp = (name: string, outputs: number, layers: number, last?: number) =>
      this.child(
        `transformer.decoder.${name}`,
        new Mlp(runtime, width, width, outputs, {
          ...{ layers, ...(last !== undefined && { lastInitial: constantInitial(last) }) },
        }),
      );
    this.#queries = this.parameter('query_embed.weight', [decoder.queries, 2], normalInitial(1));
    this.#layers = Array.from({ length: decoder.layers }, (_, i) =>
      this.child(`transformer.decoder.layers.${i}`, new SpanDecoderLayer(runtime, config, i === 0)),
    );
    this.#norm = this.child('transformer.decoder.norm', new LayerNorm(runtime, width));
    this.#sines = this.child('sines', new SinePositions(runtime, width / 2));
    this.#position = mlp('ref_point_head', width, 2);
    this.#scale = mlp('query_scale', width, 2);
    this.#expected = mlp('ref_anchor_head', 1, 2);
    // Before training no layer changes a span.
    this.#change = mlp('bbox_embed', 2, 3, 0);
  }

  forward(memory: Pick<Encoded, 'memory' | 'memoryMask' | 'memoryPositions'>): Decoded {
    const { runtime } = this;
    const [batch, , width] = memory.memory.shape as [number, number, number];
    const { tensor: queries } = this.#queries;
    const shape = [batch, queries.shape[0]!];
    return runtime.scope(() => {
      let x = runtime.zeros([...shape, width]);
      // What the layer at hand starts from.
      let span = broadcastTo(sigmoid(queries), [...shape, 2]);
      let logits = inverseSigmoid(span);
      const spans = [logits];
      const states: Tensor[] = [];
      this.#layers.forEach((layer, i) => {
        const sine = this.#sines.forward(span).reshape([...shape, width]);
        const scaled = i === 0 ? sine : mul(sine, this.#scale.forward(x));
        const sharpness = div(sigmoid(this.#expected.forward(x)), narrow(span, 2, 1, 1));
        x = layer.forward(x, {
          ...{ memory, position: this.#position.forward(sine), sine: mul(scaled, sharpness) },
        });
        states.push(this.#norm.forward(x));
        if (i === this.#layers.length - 1) return;
        const refined = sigmoid(add(this.#change.forward(x), logits));
        spans.push(inverseSigmoid(refined));
        span = stopGradient(refined);
        logits = inverseSigmoid(span);
      });
      return { states: stack(states), spans: stack(spans) };
    });
  }
}
