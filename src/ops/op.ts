import { checkFields, type Rules } from '../arguments.js';
import { OptionError } from '../errors.js';
import type { DeviceClass, DeviceTraits } from '../gpu/traits.js';
import type { Dtype } from '../tensor/dtype.js';
import type { Runtime } from '../tensor/runtime.js';
import type { Shape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { checkOperands, type Signature, type Tensors, within } from './call.js';

/** An object of tensors, under names of its own; an operand that is optional may be undefined. */
export type TensorFields<Fields> = { readonly [Name in keyof Fields]: Tensor | undefined };

export interface TensorSpec {
  readonly shape: Shape;
  readonly dtype: Dtype;
}

/** One way to compute an operation. */
export interface Variant<Inputs, Problem, Outputs> {
  readonly name: string;
  /** Whether this variant gives the right answer for this problem on this device. Not whether it is fast. */
  suits(traits: DeviceTraits, problem: Problem): boolean;
  /** The devices that this variant is meant for; all when absent. Decides the default choice only. */
  readonly meantFor?: readonly DeviceClass[];
  /** Whether it is a good choice among those meant for the device; always when absent. */
  prefers?(traits: DeviceTraits, problem: Problem): boolean;
  /** Records the launches. Tensors made here and not among the outputs are freed afterwards. */
  run(runtime: Runtime, inputs: Inputs, outputs: Outputs, problem: Problem): void;
}

export interface OperationSpec<
  Inputs extends TensorFields<Inputs>,
  Options,
  Problem,
  Outputs extends TensorFields<Outputs>,
> extends Signature<Inputs, Options> {
  /** In camelCase: errors begin with it. */
  readonly name: string;
  /**
   * Gives the sizes and flags that all else is derived from. The names and types of operands and options are checked
   * before (`operands`, `options`); shapes, types and what depends on them are checked here.
   * @throws ShapeError, DtypeError, OptionError that name the operand, what was expected and what came
   */
  problem(inputs: Inputs, options: Options): Problem;
  /** Operands that are written in place; the others are only read. */
  readonly changes?: readonly (keyof Inputs & string)[];
  /** Shapes of the outputs; an output that was not asked for is left out. */
  outputs(problem: Problem): { readonly [Name in keyof Outputs]: TensorSpec };
  /** From the most special to `plain`, which suits every problem on every device and is read first. */
  readonly variants: readonly Variant<Inputs, Problem, Outputs>[];
  /** Floating-point operations that any implementation must do (a fused multiply-add is two). */
  flops(problem: Problem): number;
  /** Length of the longest sum in one output element: sets the error bound of the tests. */
  reduction(problem: Problem): number;
  /** Bytes that must move, where that is not all inputs plus all outputs once. */
  bytes?(problem: Problem): number;
}

/** Where to run an operation without tensor operands, and which variant to force. */
export interface RunOptions {
  readonly runtime?: Runtime;
  readonly variant?: string;
  /** The function that was called, where it has another name than the operation: errors begin with it. */
  readonly as?: string;
}

/** An operation: its guard, its variants and what it costs. */
export class Operation<
  Inputs extends TensorFields<Inputs>,
  Options,
  Problem,
  Outputs extends TensorFields<Outputs>,
> {
  readonly name: string;
  readonly variantNames: readonly string[];

  constructor(readonly spec: OperationSpec<Inputs, Options, Problem, Outputs>) {
    this.name = spec.name;
    this.variantNames = spec.variants.map((variant) => variant.name);
  }

  /**
   * Checks names and types of operands and options, for functions that need them before they run the operation.
   * @returns the runtime of the operands; undefined where there are none
   * @throws OptionError, ReleasedError
   */
  check(
    inputs: Inputs,
    options: Options,
    { runtime, as = this.name }: Omit<RunOptions, 'variant'> = {},
  ): Runtime | undefined {
    const owner = checkOperands(as, inputs, this.spec.operands, runtime);
    checkFields(as, options, this.spec.options as Rules<object>);
    return owner;
  }

  /** Checks a call and gives its problem. @throws OptionError, ReleasedError, ShapeError, DtypeError */
  problem(inputs: Inputs, options: Options): Problem {
    this.check(inputs, options);
    return within(this.name, () => this.spec.problem(inputs, options));
  }

  /** Checks the operands, makes the outputs and records the kernels of the chosen variant. */
  run(inputs: Inputs, options: Options, { runtime, variant, as = this.name }: RunOptions = {}): Outputs {
    const owner = this.check(inputs, options, runtime ? { runtime, as } : { as });
    return within(as, () => {
      if (!owner) throw new OptionError('without tensor operands a runtime must be given');
      const problem = this.spec.problem(inputs, options);
      const chosen = this.choose(owner, problem, variant);
      const specs = Object.entries<TensorSpec>(this.spec.outputs(problem));
      const origin = { operation: this.name, variant: chosen.name, shape: specs[0]?.[1].shape ?? [] };
      return owner.scope(() => {
        const outputs: Record<string, Tensor> = {};
        owner.withOrigin(origin, () => {
          for (const [name, { shape, dtype }] of specs) outputs[name] = owner.empty(shape, dtype);
          owner.withTape(undefined, () => chosen.run(owner, inputs, outputs as Outputs, problem));
        });
        owner.tape?.recordRun({ operation: this, inputs: inputs as Tensors, options, outputs, problem });
        return outputs as Outputs;
      });
    });
  }

  /** All that a run wrote: its outputs, and the operands that it changed. */
  written(inputs: Inputs, outputs: Outputs): Readonly<Record<string, Tensor | undefined>> {
    const changed = (this.spec.changes ?? []).map((name) => [name, inputs[name]] as const);
    return { ...outputs, ...Object.fromEntries(changed) };
  }

  /** The variants that are legal for a problem on a device. */
  legalVariants(traits: DeviceTraits, problem: Problem): Variant<Inputs, Problem, Outputs>[] {
    return this.spec.variants.filter((variant) => variant.suits(traits, problem));
  }

  /**
   * The variant of that name; without one the variant that was measured to be fastest for such problems, or else the
   * first legal one that is meant for such a device.
   * @throws OptionError where the name is not that of a legal variant
   */
  choose(
    { traits, tuning }: Pick<Runtime, 'traits' | 'tuning'>,
    problem: Problem,
    name?: string,
  ): Variant<Inputs, Problem, Outputs> {
    const legal = this.legalVariants(traits, problem);
    const named = (wanted: string | undefined) => legal.find((variant) => variant.name === wanted);
    const chosen =
      name === undefined
        ? (named(tuning.choice(this.name, this.variantNames, problem)) ??
          legal.find(
            (variant) =>
              (variant.meantFor?.includes(traits.deviceClass) ?? true) &&
              (variant.prefers?.(traits, problem) ?? true),
          ) ??
          legal.at(-1))
        : named(name);
    if (chosen) return chosen;
    throw new OptionError(
      `${this.name} has no variant ${name ?? ''} for ${JSON.stringify(problem)} on this device; ` +
        `legal: ${legal.map((variant) => variant.name).join(', ') || 'none'}`,
    );
  }
}

/** Any operation, for tables of them. */
// biome-ignore lint/suspicious/noExplicitAny: operands, options and outputs differ from one to the next
export type AnyOperation = Operation<any, any, any, any>;

export function defineOperation<
  Inputs extends TensorFields<Inputs>,
  Options,
  Problem,
  Outputs extends TensorFields<Outputs>,
>(spec: OperationSpec<Inputs, Options, Problem, Outputs>): Operation<Inputs, Options, Problem, Outputs> {
  return new Operation(spec);
}
