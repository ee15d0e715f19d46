import { checkFields, type Rules } from '../../../arguments.js';
import { within } from '../../../ops/call.js';
import { anyTensor, expectDtype, expectShape, type Tensor } from '../../../tensor/tensor.js';
import type { CgDetrSizes } from './config.js';

/** Videos and what is asked of each. */
export interface GroundingOperands {
  /** f32 (B, T, C): features of clips. */
  readonly video: Tensor;
  /** u32 (B, T): 1 for clips, 0 for what follows the last of a video. Each video has a clip. */
  readonly videoMask: Tensor;
  /** f32 (B, L, E): words. */
  readonly text: Tensor;
  /** u32 (B, L): 1 for words, 0 for what follows the last. Each text has a word. */
  readonly textMask: Tensor;
}

export const groundingOperandRules: Rules<GroundingOperands> = {
  video: anyTensor,
  videoMask: anyTensor,
  text: anyTensor,
  textMask: anyTensor,
};

/** @throws OptionError, ShapeError, DtypeError */
export function checkGroundingOperands(where: string, operands: GroundingOperands, sizes: CgDetrSizes): void {
  checkFields(where, operands, groundingOperandRules, 'operand');
  const { video, videoMask, text, textMask } = operands;
  const [batch = 0, clips = 0] = video.shape;
  const words = text.shape[1] ?? 0;
  within(where, () => {
    expectShape(video, 'video', [batch, clips, sizes.video]);
    expectShape(videoMask, 'videoMask', [batch, clips]);
    expectShape(text, 'text', [batch, words, sizes.text]);
    expectShape(textMask, 'textMask', [batch, words]);
    expectDtype(video, 'video', 'f32');
    expectDtype(text, 'text', 'f32');
    expectDtype(videoMask, 'videoMask', 'u32');
    expectDtype(textMask, 'textMask', 'u32');
  });
}
