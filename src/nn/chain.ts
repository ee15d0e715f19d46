import type { Tensor } from '../tensor/tensor.js';

/**
 * Passes a tensor through layers in turn. What goes from one to the next is freed after use, the input only where it is
 * to be consumed.
 */
export function chain<Layer>(
  input: Tensor,
  layers: readonly Layer[],
  forward: (x: Tensor, layer: Layer, index: number) => Tensor,
  { consume = false }: { readonly consume?: boolean } = {},
): Tensor {
  let x = input;
  for (const [index, layer] of layers.entries()) {
    const next = forward(x, layer, index);
    if (x !== input || consume) x.dispose();
    x = next;
  }
  return x;
}
