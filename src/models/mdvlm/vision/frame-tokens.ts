import { broadcastTo } from '../../../ops/array/broadcast-to.js';
import { concat } from '../../../ops/array/concat.js';
import { permute } from '../../../ops/array/permute.js';
import { resizeBilinear } from '../../../ops/image/resize.js';
import type { Tensor } from '../../../tensor/tensor.js';

/**
 * The tokens of frames, pooled (LLaVA-Video, LLaDA-V): each grid of tokens is resized bilinearly to `across` x `across`.
 * @param tokens (F, side², hidden), row after row
 * @returns (F, across, across, hidden)
 * @throws ShapeError where the tokens of a frame are no square
 */
export function poolFrameTokens(tokens: Tensor, across: number): Tensor {
  const [frames, count, hidden] = tokens.shape as [number, number, number];
  const side = Math.sqrt(count);
  return tokens.runtime.scope(() => {
    const planes = permute(tokens.reshape([frames, side, side, hidden]), [0, 3, 1, 2]);
    return permute(resizeBilinear(planes, { height: across, width: across }), [0, 2, 3, 1]);
  });
}

/**
 * Frames in the order in which a language model reads them: row after row, each ended by the token `newline`.
 * @param tokens (F, rows, columns, hidden)
 * @param newline (hidden)
 * @returns (F · rows · (columns + 1), hidden)
 * @throws ShapeError
 */
export function withNewlines(tokens: Tensor, newline: Tensor): Tensor {
  const [frames, rows, , hidden] = tokens.shape as [number, number, number, number];
  return tokens.runtime.scope(() => {
    const ends = broadcastTo(newline, [frames, rows, 1, hidden]);
    return concat([tokens, ends], 2).reshape([-1, hidden]);
  });
}
