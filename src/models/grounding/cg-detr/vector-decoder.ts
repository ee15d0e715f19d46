import { normalInitial } from '../../../nn/initial.js';
import type { Parameter } from '../../../nn/module.js';
import { LayerNorm } from '../../../nn/norm.js';
import { TransformerBlock } from '../../../nn/transformer.js';
import { stack } from '../../../ops/array/concat.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { CgDetrConfig } from './config.js';
import { type Decoded, Decoder } from './decoder.js';
import type { Encoded } from './interaction.js';

/** The decoder of DETR (arXiv:2005.12872): queries are learned vectors, added as positions in each layer. */
export class VectorDecoder extends Decoder {
  readonly #queries: Parameter;
  readonly #layers: readonly TransformerBlock[];
  readonly #norm: LayerNorm;

  constructor(runtime: Runtime, config: CgDetrConfig) {
    super(runtime);
    const { width, heads, intermediate, activation, dropout, dropPath, decoder } = config;
    this.#queries = this.parameter('query_embed.weight', [decoder.queries, width], normalInitial(1));
    const options = { heads, intermediate, activation, dropout, dropPath, crossAttention: true };
    this.#layers = Array.from({ length: decoder.layers }, (_, i) =>
      this.child(`transformer.decoder.layers.${i}`, new TransformerBlock(runtime, width, options)),
    );
    this.#norm = this.child('transformer.decoder.norm', new LayerNorm(runtime, width));
  }

  forward({ memory, memoryMask, memoryPositions }: Encoded): Decoded {
    const { runtime } = this;
    const { tensor: positions } = this.#queries;
    return runtime.scope(() => {
      let x = runtime.zeros([memory.shape[0]!, ...positions.shape]);
      const states: Tensor[] = [];
      for (const layer of this.#layers) {
        x = layer.forward(x, { positions, memory, memoryMask, memoryPositions });
        states.push(this.#norm.forward(x));
      }
      return { states: stack(states) };
    });
  }
}
