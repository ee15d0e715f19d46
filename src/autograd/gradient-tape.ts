import { OptionError, ShapeError } from '../errors.js';
import { add } from '../ops/array/binary.js';
import type { Runtime } from '../tensor/runtime.js';
import { type Shape, sameShape } from '../tensor/shape.js';
import type { OperationRun, Tape } from '../tensor/tape.js';
import { Tensor } from '../tensor/tensor.js';
import { gradientRules } from './rules/index.js';

/** What a tensor stands for in the calculation that a tape records: views and copies are other values. */
class Value {}

interface Step {
  /** Undefined where the gradient of an operand is of no use. */
  readonly operands: readonly (Value | undefined)[];
  readonly results: readonly Value[];
  backward(gradients: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[];
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

/** What was computed from watched tensors, in order: reverse-mode differentiation walks it backwards. */
export class GradientTape implements Tape {
  readonly #values = new WeakMap<Tensor, Value>();
  readonly #steps: Step[] = [];

  constructor(readonly runtime: Runtime) {}

  /** Makes a tensor one whose gradient is wanted. */
  watch(tensor: Tensor): void {
    if (!this.#values.has(tensor)) this.#values.set(tensor, new Value());
  }

  follows(tensor: Tensor | undefined): boolean {
    return tensor !== undefined && this.#values.has(tensor);
  }

  recordRun({ operation, inputs, options, outputs, problem }: OperationRun): void {
    const followed = Object.keys(inputs).filter((name) => this.follows(inputs[name]));
    const results = Object.keys(outputs).filter((name) => outputs[name]?.dtype.startsWith('f'));
    if (followed.length === 0 || results.length === 0) return;
    const gradient = gradientRules.get(operation);
    const keeps = gradient?.keeps?.(problem) ?? {};
    // Operands and results may have names in common.
    const keep: Record<string, Tensor | undefined> = {};
    for (const name of keeps.inputs ?? []) keep[`in ${name}`] = inputs[name];
    for (const name of keeps.outputs ?? []) keep[`out ${name}`] = outputs[name];
    const shapes = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, tensor?.shape]));
    this.record(
      followed.map((name) => inputs[name]),
      results.map((name) => outputs[name]!),
      keep,
      (kept, gradients) => {
        if (!gradient) {
          throw new OptionError(
            `${operation.name} has no gradient: take what depends on no parameter, or stopGradient`,
          );
        }
        const named = (prefix: string) =>
          Object.fromEntries(
            Object.entries(kept).flatMap(([name, tensor]) =>
              name.startsWith(prefix) ? [[name.slice(prefix.length), tensor]] : [],
            ),
          );
        const found = gradient.rule({
          inputs: named('in '),
          outputs: named('out '),
          options,
          problem,
          shapes: shapes as Readonly<Record<string, Shape>>,
          gradients: Object.fromEntries(results.map((name, i) => [name, gradients[i]])),
          wants: (name) => followed.includes(name),
          differentiate: this.differentiate,
        });
        return followed.map((name) => {
          const tensor = found[name];
          if (!tensor)
            throw new OptionError(`${operation.name} has no gradient for ${name}: use stopGradient on it`);
          return tensor;
        });
      },
    );
  }

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
   * @returns the gradients of `wanted`, undefined where no result depends on one
   */
  backward(
    results: readonly (readonly [result: Tensor, gradient: Tensor])[],
    wanted: readonly Tensor[],
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

  readonly differentiate: Tape['differentiate'] = (tensors, body, gradient) => {
    const { runtime } = this;
    const tape = new GradientTape(runtime);
    try {
      for (const tensor of tensors) tape.watch(tensor);
      return tape.backward([[runtime.withTape(tape, body), gradient]], tensors);
    } finally {
      tape.dispose();
    }
  };

  /** Frees what was kept for a walk that did not come. */
  dispose(): void {
    for (const step of this.#steps.splice(0)) step.release();
  }
}
