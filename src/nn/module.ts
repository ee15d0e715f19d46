import { HostRandom } from '../data/host-random.js';
import { checkTensors, type Safetensors } from '../data/safetensors.js';
import { ReleasedError } from '../errors.js';
import type { Dtype } from '../tensor/dtype.js';
import type { Runtime } from '../tensor/runtime.js';
import { type Shape, sizeOf } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Initial } from './initial.js';
import { type LoadOptions, loadWeights } from './load-weights.js';

/** How the elements of a weight are stored; f16 where the device has it. */
export type WeightDtype = Extract<Dtype, 'f32' | 'f16'>;

/** A named weight of a module: its shape from the start, its elements once they are loaded or initialized. */
export class Parameter {
  #tensor: Tensor | undefined;

  constructor(
    readonly runtime: Runtime,
    readonly shape: Shape,
    readonly initial: Initial,
    /** Whether training changes it by its gradient; running statistics are not trained. */
    readonly trained: boolean,
    readonly dtype: WeightDtype = 'f32',
  ) {}

  /** @throws ReleasedError before the weights are loaded and after the module is disposed. */
  get tensor(): Tensor {
    if (!this.#tensor) throw new ReleasedError('the module has no weights: load a checkpoint or initialize');
    return this.#tensor;
  }

  /** Takes new elements; where there are some already, in the same tensor, so that captures see them. */
  set(elements: Float32Array): void {
    this.allocated().write(elements);
  }

  /** The tensor, without elements of its own where there was none: for what writes them. @throws FeatureError */
  allocated(): Tensor {
    // Made outside of any scope: it lives until `dispose`.
    this.#tensor ??= this.runtime.detached(() => this.runtime.empty(this.shape, this.dtype));
    return this.#tensor;
  }

  dispose(): void {
    this.#tensor?.dispose();
    this.#tensor = undefined;
  }
}

/**
 * Something with weights. Children and weights are declared in the constructor under the names that a
 * checkpoint gives them, so that `model.load` takes PyTorch's state dicts as they are.
 */
export abstract class Module {
  readonly #children = new Map<string, Module>();
  readonly #parameters = new Map<string, Parameter>();
  readonly #unused = new Set<string>();
  #training = false;

  constructor(readonly runtime: Runtime) {}

  /** Declares a child. */
  protected child<Child extends Module>(name: string, child: Child): Child {
    this.#children.set(name, child);
    return child;
  }

  /** Declares a child whose weights have names of this module's own. */
  protected inline<Child extends Module>(child: Child): Child {
    return this.child('', child);
  }

  /** Declares a weight. */
  protected parameter(name: string, shape: Shape, initial: Initial, dtype?: WeightDtype): Parameter {
    return this.#declare(name, new Parameter(this.runtime, shape, initial, true, dtype));
  }

  /** Declares a part of the state that is not trained, such as a running mean. */
  protected statistic(name: string, shape: Shape, initial: Initial): Parameter {
    return this.#declare(name, new Parameter(this.runtime, shape, initial, false));
  }

  #declare(name: string, parameter: Parameter): Parameter {
    this.#parameters.set(name, parameter);
    return parameter;
  }

  /** Declares a name that checkpoints may hold and that is not needed here. */
  protected unused(name: string): void {
    this.#unused.add(name);
  }

  /** All names declared so, like {@link parameters}. */
  *#unusedNames(prefix = ''): Generator<string> {
    for (const name of this.#unused) yield prefix + name;
    for (const [name, child] of this.#children) yield* child.#unusedNames(prefix + inside(name));
  }

  /** All weights, those of children under `child.`, in the order of declaration. */
  *parameters(prefix = ''): Generator<[name: string, parameter: Parameter]> {
    for (const [name, parameter] of this.#parameters) yield [prefix + name, parameter];
    for (const [name, child] of this.#children) yield* child.parameters(prefix + inside(name));
  }

  /** The tensors that training changes, by name: what `valueAndGrad` and optimizers take. @throws ReleasedError */
  weights(): Record<string, Tensor> {
    const trained = [...this.parameters()].filter(([, { trained }]) => trained);
    return Object.fromEntries(trained.map(([name, { tensor }]) => [name, tensor]));
  }

  /** Whether layers that differ in training (BatchNorm) behave as in training. */
  get training(): boolean {
    return this.#training;
  }

  /** Switches this module and those in it to training, or back to inference. */
  train(training = true): this {
    this.#training = training;
    for (const child of this.#children.values()) child.train(training);
    return this;
  }

  /** Gives every weight its initial elements, which depend on the seed and on the order of declaration only. */
  initialize(seed: number): this {
    let stream = 0;
    for (const [, parameter] of this.parameters()) {
      parameter.set(parameter.initial(sizeOf(parameter.shape), new HostRandom(seed, stream++)));
    }
    return this;
  }

  /** All weights and statistics on the host, as `load` takes them. */
  async state(): Promise<
    Record<string, { readonly shape: Shape; readonly data: Float32Array<ArrayBuffer> }>
  > {
    const entries = [...this.parameters()].map(
      async ([name, { tensor, shape }]) =>
        [name, { shape, data: (await tensor.read()) as Float32Array<ArrayBuffer> }] as const,
    );
    return Object.fromEntries(await Promise.all(entries));
  }

  /**
   * Loads the weights, a bounded part of one tensor in memory at a time. They are uploaded as they are stored, and
   * become what the module stores on the device.
   * @throws FileFormatError with every name that is missing, has another shape or is too many, or that of a tensor with
   *   an element that is no number, or none that the module can store
   */
  async load(checkpoint: Safetensors, options: LoadOptions = {}): Promise<void> {
    const parameters = new Map(this.parameters());
    const shapes = Object.fromEntries([...parameters].map(([name, { shape }]) => [name, shape]));
    for (const name of this.#unusedNames()) {
      const stored = checkpoint.tensors.get(name);
      if (stored) shapes[name] = stored.shape;
    }
    checkTensors(checkpoint, shapes);
    await loadWeights(this.runtime, parameters, checkpoint, options);
  }

  /** Frees all weights. */
  dispose(): void {
    for (const [, parameter] of this.parameters()) parameter.dispose();
  }
}

/** What stands before the names in a child. */
function inside(name: string): string {
  return name === '' ? '' : `${name}.`;
}
