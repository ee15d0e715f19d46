import type { Tensors } from './call.js';

/** Whether a tape records what is computed from these operands. */
export function isFollowed(operands: object): boolean {
  return Object.values(operands as Tensors).some((tensor) => tensor?.runtime.tape?.follows(tensor));
}
