import { ShapeError } from '../errors.js';
import type { Runtime } from './runtime.js';
import { sameShape } from './shape.js';
import { Tensor } from './tensor.js';

/** What a tensor stands for in the calculation that a tape records: views and copies are other values. */
class Value {}

/** From the gradients of a step's results to those of its operands, each in the order they were recorded in. */
export type Backward = (gradients: readonly (Tensor | undefined)[]) => readonly (Tensor | undefined)[];

interface Step {
  /** Undefined where the gradient of an operand is of no use. */
  readonly operands: readonly (Value | undefined)[];
  readonly results: readonly Value[];
  readonly backward: Backward;
  release(): void;
}

/** The elements of a tensor, kept for the backward pass whatever scope the tensor itself dies in. */
class Kept {
  readonly #shape;
  readonly #dtype;
  readonly #storage;
  readonly #offset;

  constructor({ shape, dtype, storage, offset }: Tensor) {
    this.#shape = shape;
    this.#dtype = dtype;
    this.#storage = storage.retain();
    this.#offset = offset;
  }

  tensor(runtime: Runtime): Tensor {
    return new Tensor(runtime, this.#shape, this.#dtype, this.#storage, this.#offset);
  }

  release(): void {
    this.#storage.release();
  }
}

/**
 * What was computed from watched tensors, in order: reverse-mode differentiation walks it backwards. Made by
 * `valueAndGrad`; operations record themselves on the runtime's current tape.
 */
export class Tape {
  readonly #values = new WeakMap<Tensor, Value>();
  readonly #steps: Step[] = [];

  constructor(readonly runtime: Runtime) {}

  /** Makes a tensor one whose gradient is wanted. */
  watch(tensor: Tensor): void {
    if (!this.#values.has(tensor)) this.#values.set(tensor, new Value());
  }

  /** Whether the tensor is watched or was computed from one that is. */
  follows(tensor: Tensor | undefined): boolean {
    return tensor !== undefined && this.#values.has(tensor);
  }

  /**
   * Records a step from operands to results.
   * @param keep what `backward` reads: it is given the same names with tensors that live until it returns
   * @param backward must give a gradient to every operand that is followed
   */
  record<Keep extends Readonly<Record<string, Tensor | undefined>>>(
    operands: readonly (Tensor | undefined)[],
    results: readonly Tensor[],
    keep: Keep,
    backward: (kept: Keep, gradients: readonly (Tensor | undefined)[]) => readonly (Tensor | undefined)[],
  ): void {
    const kept = Object.entries(keep).flatMap(([name, tensor]) =>
      tensor ? [[name, new Kept(tensor)] as const] : [],
    );
    for (const result of results) this.#values.set(result, new Value());
    this.#steps.push({
      operands: operands.map((tensor) => tensor && this.#values.get(tensor)),
      results: results.map((tensor) => this.#values.get(tensor)!),
      backward: (gradients) => {
        const tensors = Object.fromEntries(kept.map(([name, entry]) => [name, entry.tensor(this.runtime)]));
        return backward(tensors as Keep, gradients);
      },
      release: () => {
        for (const [, entry] of kept) entry.release();
      },
    });
  }

  /**
   * Walks back from some results, freeing what was kept on the way; a tape is walked once.
   * @param results with their gradients
   * @param wanted tensors that are watched
   * @param add the sum of two tensors of one shape
   * @returns the gradients of `wanted`, undefined where no result depends on one
   */
  backward(
    results: readonly (readonly [result: Tensor, gradient: Tensor])[],
    wanted: readonly Tensor[],
    add: (a: Tensor, b: Tensor) => Tensor,
  ): (Tensor | undefined)[] {
    const { runtime } = this;
    return runtime.withTape(undefined, () =>
      runtime.scope(() => {
        const gradients = new Map<Value, Tensor>();
        const flow = (value: Value, gradient: Tensor) => {
          const before = gradients.get(value);
          // A rule may hand on the gradient that it was given: a view has a life of its own.
          gradients.set(value, before ? add(before, gradient) : gradient.reshape(gradient.shape));
          before?.dispose();
        };
        for (const [result, gradient] of results) {
          const value = this.#values.get(result);
          if (value) flow(value, gradient);
        }
        const ends = new Set(wanted.map((tensor) => this.#values.get(tensor)));
        for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
          const given = step.results.map((value) => gradients.get(value));
          const { backward, operands } = step;
          try {
            if (given.some((gradient) => gradient !== undefined)) {
              runtime.scope(() => {
                backward(given).forEach((gradient, i) => {
                  const operand = operands[i];
                  if (operand && gradient) flow(operand, gradient);
                });
                return [...gradients.values()];
              });
            }
          } finally {
            step.release();
          }
          step.results.forEach((value, i) => {
            if (ends.has(value)) return;
            given[i]?.dispose();
            gradients.delete(value);
          });
        }
        return wanted.map((tensor) => {
          const gradient = gradients.get(this.#values.get(tensor)!);
          if (gradient && !sameShape(gradient.shape, tensor.shape)) {
            throw new ShapeError(`the gradient of ${tensor} came out as ${gradient}`);
          }
          return gradient;
        });
      }),
    );
  }

  /** Frees what was kept for a walk that did not come. */
  dispose(): void {
    for (const step of this.#steps.splice(0)) step.release();
  }
}
