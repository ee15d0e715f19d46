import { normalInitial } from '../../../nn/initial.js';
import type { Parameter } from '../../../nn/module.js';
import { broadcastTo } from '../../../ops/array/broadcast-to.js';
import { concat } from '../../../ops/array/concat.js';
import { fill } from '../../../ops/array/fill.js';
import { narrow } from '../../../ops/array/slice.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { CgDetrConfig, CrossInteraction as Config } from './config.js';
import { type Clips, type Encoded, Interaction, type Told } from './interaction.js';
import { CrossBlock } from './text-to-video.js';
import { TokenSaliency } from './token-saliency.js';

/** QD-DETR (Moon et al., arXiv:2303.13874): clips attend to the words; a learned token in the encoder tells saliency. */
export class CrossInteraction extends Interaction {
  readonly #blocks: readonly CrossBlock[];
  readonly #token: Parameter;
  readonly #tokenPosition: Parameter;
  readonly #saliency: TokenSaliency;

  constructor(runtime: Runtime, config: CgDetrConfig, { layers }: Config) {
    super(runtime, config);
    const { width } = config;
    this.#blocks = Array.from({ length: layers }, (_, i) =>
      this.child(`transformer.t2v_encoder.layers.${i}`, new CrossBlock(runtime, config)),
    );
    this.#token = this.parameter('global_rep_token', [width], normalInitial(1));
    this.#tokenPosition = this.parameter('global_rep_pos', [width], normalInitial(1));
    this.#saliency = this.inline(new TokenSaliency(runtime, width));
  }

  tell(text: Tensor, textMask: Tensor): Told {
    return { text, textMask };
  }

  forward({ video, videoMask, positions }: Clips, { text, textMask }: Told): Encoded {
    const { runtime } = this;
    const [batch, clips, width] = video.shape as [number, number, number];
    return runtime.scope(() => {
      const told = this.#blocks.reduce((x, block) => block.forward(x, positions, text, textMask), video);
      const spread = ({ tensor }: Parameter) => broadcastTo(tensor, [batch, 1, width]);
      const all = this.encode(
        concat([spread(this.#token), told], 1),
        concat([fill(runtime, [batch, 1], 1, 'u32'), videoMask], 1),
        concat([spread(this.#tokenPosition), positions], 1),
      );
      const memory = narrow(all, 1, 1, clips);
      return {
        ...{ memory, memoryMask: videoMask, memoryPositions: positions },
        saliency: this.#saliency.forward(memory, narrow(all, 1, 0, 1)),
      };
    });
  }
}
