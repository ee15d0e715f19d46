import { OptionError } from '../../../errors.js';
import { add, mul, sub } from '../../../ops/array/binary.js';
import { max, mean } from '../../../ops/array/reduce.js';
import { narrow } from '../../../ops/array/slice.js';
import { logSoftmax } from '../../../ops/array/softmax.js';
import { clamp, scaleShift, square } from '../../../ops/array/unary.js';
import type { Runtime } from '../../../tensor/runtime.js';
import type { BaseOutputs } from '../base.js';
import type { FamilyConfig } from './config.js';
import {
  type ClassifyingBase,
  DiffusionBranch,
  type DiffusionTraining,
  type Refined,
  truncation,
  turned,
} from './diffusion-branch.js';
import type { SampleOptions } from './mask-diffusion.js';
import { classMask, withBackground } from './masks.js';
import type { DiffusionOperands } from './operands.js';

/**
 * The mode of ActionDiff's sibling. Masks have a channel for each class, here for the background too (ours), and are those of
 * the last visit to a video. The condition is the CAS. Training adds the decoder's output to the CAS, from when
 * every video has a mask. At inference the video scores come from the mean of CAS and denoised mask, the proposals from
 * the base alone.
 */
export class FamilyBranch extends DiffusionBranch {
  constructor(
    runtime: Runtime,
    override readonly config: FamilyConfig,
    classes: number,
  ) {
    super(runtime, config, classes, classes);
  }

  trainingLosses(
    _base: ClassifyingBase,
    outputs: BaseOutputs,
    { t, noise, gate, bank }: DiffusionOperands,
  ): DiffusionTraining {
    this.checkOutputs('trainingLosses', outputs);
    if (!bank) throw new OptionError('DiffusionBranch.trainingLosses: mode family needs the operand bank');
    return this.runtime.scope(() => {
      const { cas, attention } = outputs;
      const known = bank.read();
      const begun = bank.full();
      const target = withBackground(known);
      const seen = this.gated(cas, attention, () => max(known, { axes: 1 }), gate);
      const noisy = this.diffusion.corrupt(target, noise, t);
      const output = turned(this.decoder.forward(noisy, turned(seen), t).output);
      const errors = square(sub(logSoftmax(output), turned(target)));
      const loss = scaleShift(mean(clamp(errors, 0, truncation)), this.config.weight, 0);
      const found = classMask(outputs, this.config.mask);
      bank.write(turned(narrow(found, 2, 0, known.shape[1]!)));
      return {
        outputs: [{ ...outputs, cas: add(cas, mul(output, begun)) }],
        parts: { diffusion: mul(loss, begun) },
      };
    });
  }

  protected refine(_base: ClassifyingBase, outputs: BaseOutputs, sampling: SampleOptions): Refined {
    const { cas, attention } = outputs;
    const [batch, steps] = attention.shape as [number, number];
    const condition = turned(this.shown(cas, attention));
    const mask = this.diffusion.sample(
      [batch, this.maskChannels, steps],
      (noisy, t) => this.decoder.forward(noisy, condition, t).output,
      sampling,
    );
    // Views: whoever frees the result keeps what the base said.
    return {
      cas: cas.reshape(cas.shape),
      attention: attention.reshape(attention.shape),
      videoScoreCas: scaleShift(add(cas, turned(mask)), 0.5, 0),
    };
  }
}
