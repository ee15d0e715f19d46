import { toFloat32 } from '../data/array.js';
import { checkTensors, type Safetensors } from '../data/safetensors.js';
import { FileFormatError, ReleasedError } from '../errors.js';
import type { Runtime } from '../tensor/runtime.js';
import type { Shape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';

/** A named weight of a module: its shape from the start, its elements once they are loaded. */
export class Parameter {
  #tensor: Tensor | undefined;

  constructor(
    readonly runtime: Runtime,
    readonly shape: Shape,
  ) {}

  /** @throws ReleasedError before the weights are loaded and after the module is disposed. */
  get tensor(): Tensor {
    if (!this.#tensor) throw new ReleasedError('the module has no weights: load a checkpoint first');
    return this.#tensor;
  }

  set(elements: Float32Array): void {
    this.dispose();
    this.#tensor = this.runtime.tensor(elements, this.shape);
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

  constructor(readonly runtime: Runtime) {}

  /** Declares a child. */
  protected child<Child extends Module>(name: string, child: Child): Child {
    this.#children.set(name, child);
    return child;
  }

  /** Declares a weight. */
  protected parameter(name: string, shape: Shape): Parameter {
    const parameter = new Parameter(this.runtime, shape);
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
    for (const [name, child] of this.#children) yield* child.#unusedNames(`${prefix}${name}.`);
  }

  /** All weights, those of children under `child.`, in the order of declaration. */
  *parameters(prefix = ''): Generator<[name: string, parameter: Parameter]> {
    for (const [name, parameter] of this.#parameters) yield [prefix + name, parameter];
    for (const [name, child] of this.#children) yield* child.parameters(`${prefix}${name}.`);
  }

  /**
   * Loads the weights, one tensor in memory at a time.
   * @throws FileFormatError with every name that is missing, has another shape or is too many
   */
  async load(checkpoint: Safetensors): Promise<void> {
    const parameters = new Map(this.parameters());
    const shapes = Object.fromEntries([...parameters].map(([name, { shape }]) => [name, shape]));
    for (const name of this.#unusedNames()) {
      const stored = checkpoint.tensors.get(name);
      if (stored) shapes[name] = stored.shape;
    }
    checkTensors(checkpoint, shapes);
    for (const [name, parameter] of parameters) {
      const elements = toFloat32(await checkpoint.read(name));
      if (!elements.every(Number.isFinite)) {
        throw new FileFormatError(`${checkpoint.name}: ${name} holds NaN or infinity: the file is damaged`);
      }
      parameter.set(elements);
    }
  }

  /** Frees all weights. */
  dispose(): void {
    for (const [, parameter] of this.parameters()) parameter.dispose();
  }
}
