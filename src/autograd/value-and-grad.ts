import { callback, checkArgument, described, object, rule } from '../arguments.js';
import { OptionError, ShapeError } from '../errors.js';
import { fill } from '../ops/array/fill.js';
import { checkTensor, expectDtype, Tensor } from '../tensor/tensor.js';
import { GradientTape } from './gradient-tape.js';

/** The value of a function and its derivative by each parameter, of that parameter's shape and type. */
export interface ValueAndGradients<Name extends string> {
  readonly value: Tensor;
  readonly gradients: { readonly [Key in Name]: Tensor };
}

const tensorsByName = rule<object>('an object of tensors by name', (value) => object.accepts(value));

/**
 * Runs `body` and differentiates what it returns by the parameters, in reverse mode. Everything that `body` computes
 * from the parameters by operations of this package counts; what it reads back to the host does not.
 *
 * Memory: what the gradients need of the forward pass is kept until it is used. See `checkpoint` to keep less.
 *
 * @param parameters tensors by name, such as `model.weights()`; f32 or f16
 * @param body gives the loss, one element
 * @returns the loss, and for each parameter its gradient: zeros where the loss does not depend on it
 * @throws OptionError where there are no parameters, or an operation on the way has no gradient
 * @throws ShapeError where the loss has more than one element
 *
 * @example
 * const { value, gradients } = valueAndGrad(model.weights(), () => mean(square(sub(model.forward(x), y))));
 */
export function valueAndGrad<Name extends string>(
  parameters: { readonly [Key in Name]: Tensor },
  body: () => Tensor,
): ValueAndGradients<Name> {
  checkArgument('valueAndGrad', 'parameters', parameters, tensorsByName);
  checkArgument('valueAndGrad', 'body', body, callback);
  const entries = Object.entries<Tensor>(parameters);
  const runtime = entries[0]?.[1]?.runtime;
  for (const [name, tensor] of entries) {
    checkTensor('valueAndGrad', name, tensor);
    expectDtype(tensor, `valueAndGrad: ${name}`, 'f32', 'f16');
    if (tensor.runtime !== runtime) {
      throw new OptionError(`valueAndGrad: ${name} ${tensor} belongs to another runtime`);
    }
  }
  if (!runtime) throw new OptionError('valueAndGrad: parameters must be one tensor or more, not none');
  return runtime.scope(() => {
    const tape = new GradientTape(runtime);
    try {
      for (const [, tensor] of entries) tape.watch(tensor);
      const value = runtime.withTape(tape, () => runtime.scope(body));
      if (!(value instanceof Tensor) || value.size !== 1) {
        throw new ShapeError(
          `valueAndGrad: the body must return a tensor of one element, not ${described(value)}`,
        );
      }
      const one = fill(runtime, value.shape, 1, value.dtype);
      const gradients = tape.backward(
        [[value, one]],
        entries.map(([, tensor]) => tensor),
      );
      const named = entries.map(([name, { shape, dtype }], i) => [
        name,
        gradients[i] ?? fill(runtime, shape, 0, dtype),
      ]);
      return { value, gradients: Object.fromEntries(named) };
    } finally {
      tape.dispose();
    }
  });
}

/** The same elements as a constant: no gradient flows back from what is computed with it. */
export function stopGradient(x: Tensor): Tensor {
  checkTensor('stopGradient', 'x', x);
  return x.runtime.withTape(undefined, () => x.reshape(x.shape));
}
