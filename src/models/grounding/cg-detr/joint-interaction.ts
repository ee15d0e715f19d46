import { Linear } from '../../../nn/linear.js';
import { concat } from '../../../ops/array/concat.js';
import { pad } from '../../../ops/array/pad.js';
import { narrow } from '../../../ops/array/slice.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { CgDetrConfig } from './config.js';
import { type Clips, type Encoded, Interaction, type Told } from './interaction.js';

/** Moment-DETR (Lei et al., arXiv:2107.09609): the encoder sees clips and words as one sequence, and so does the decoder. */
export class JointInteraction extends Interaction {
  readonly #saliency: Linear;

  constructor(runtime: Runtime, config: CgDetrConfig) {
    super(runtime, config);
    this.#saliency = this.child('saliency_proj', new Linear(runtime, config.width, 1));
  }

  tell(text: Tensor, textMask: Tensor): Told {
    return { text, textMask };
  }

  forward({ video, videoMask, positions }: Clips, { text, textMask }: Told): Encoded {
    const [batch, clips] = video.shape as [number, number, number];
    return this.runtime.scope(() => {
      const memoryMask = concat([videoMask, textMask], 1);
      // Words have no position.
      const memoryPositions = pad(positions, { before: [0, 0, 0], after: [0, text.shape[1]!, 0] });
      const memory = this.encode(concat([video, text], 1), memoryMask, memoryPositions);
      const saliency = this.#saliency.forward(narrow(memory, 1, 0, clips)).reshape([batch, clips]);
      return { memory, memoryMask, memoryPositions, saliency };
    });
  }
}
