import {
  callback,
  checkArgument,
  checkArguments,
  checkFields,
  flag,
  instanceOf,
  integer,
  listOf,
  text,
  uint32,
} from '../arguments.js';
import type { NumericArray } from '../data/formats/array.js';
import { checkTensors, Safetensors } from '../data/formats/safetensors.js';
import { HostRandom } from '../data/host-random.js';
import { ReleasedError } from '../errors.js';
import { inspected } from '../inspected.js';
import { floatDtype } from '../tensor/dtype.js';
import { Owner } from '../tensor/owner.js';
import { anyRuntime, type Runtime } from '../tensor/runtime.js';
import { type Shape, sizeOf } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Initial } from './initial.js';
import { type LoadOptions, loadRules, loadWeights } from './load-weights.js';
import { RandomStream } from './random-stream.js';
import { anyElements, checkPart, type StoredWeight, type WeightDtype } from './stored-weight.js';

/** A named weight of a module, as one tensor. */
export class Parameter extends Owner implements StoredWeight {
  #tensor: Tensor | undefined;

  constructor(
    runtime: Runtime,
    readonly shape: Shape,
    readonly initial: Initial,
    /** Whether training changes it by its gradient; running statistics are not trained. */
    readonly trained: boolean,
    readonly dtype: WeightDtype = 'f32',
  ) {
    checkArguments(
      'Parameter',
      { runtime, shape, initial, trained, dtype },
      {
        runtime: anyRuntime,
        shape: listOf(integer(1)),
        initial: callback,
        trained: flag,
        dtype: floatDtype,
      },
    );
    super(runtime);
  }

  /** @throws ReleasedError before the weights are loaded and after the module is disposed. */
  get tensor(): Tensor {
    this.checkAlive();
    if (!this.#tensor) throw new ReleasedError('the module has no weights: load a checkpoint or initialize');
    return this.#tensor;
  }

  get range(): WeightDtype {
    return this.dtype;
  }

  tensors(): readonly Tensor[] {
    return [this.allocated()];
  }

  get partAlignment(): number {
    return this.runtime.scope(() => this.allocated().reshape([-1]).rowAlignment);
  }

  fill(start: number, end: number, write: (part: Tensor) => void): void {
    checkPart('Parameter.fill', this.shape, start, end, write);
    this.runtime.scope(() => write(this.allocated().reshape([-1]).rows(start, end)));
  }

  set(elements: Float32Array): void {
    checkArgument('Parameter.set', 'elements', elements, anyElements);
    this.allocated().write(elements);
  }

  async read(): Promise<Float32Array<ArrayBuffer>> {
    return (await this.tensor.read()) as Float32Array<ArrayBuffer>;
  }

  /**
   * The tensor, without elements of its own where there was none: for what writes them.
   * @throws FeatureError; ReleasedError after `dispose()`
   */
  allocated(): Tensor {
    this.checkAlive();
    this.#tensor ??= this.own(() => this.runtime.empty(this.shape, this.dtype));
    return this.#tensor;
  }
}

/**
 * Something with weights. Children and weights are declared in the constructor under the names that a
 * checkpoint gives them, so that `model.load` takes PyTorch's state dicts as they are. They belong to the module, whose
 * `dispose` frees them.
 */
export abstract class Module extends Owner {
  /** In the order of declaration; several may be declared without a name. */
  readonly #children: (readonly [name: string, child: Module])[] = [];
  readonly #stored = new Map<string, StoredWeight>();
  readonly #unused = new Set<string>();
  readonly #streams: RandomStream[] = [];
  #training = false;

  /** Declares a child. */
  protected child<Child extends Module>(name: string, child: Child): Child {
    this.#children.push([name, child]);
    return this.takeOver(child);
  }

  /** Declares a child whose weights have names of this module's own. */
  protected inline<Child extends Module>(child: Child): Child {
    return this.child('', child);
  }

  /** Declares a weight. */
  protected parameter(name: string, shape: Shape, initial: Initial, dtype?: WeightDtype): Parameter {
    return this.stored(name, new Parameter(this.runtime, shape, initial, true, dtype));
  }

  /** Declares a part of the state that is not trained, such as a running mean. */
  protected statistic(name: string, shape: Shape, initial: Initial): Parameter {
    return this.stored(name, new Parameter(this.runtime, shape, initial, false));
  }

  /** Declares what is stored in another way than as one tensor. */
  protected stored<Weight extends StoredWeight>(name: string, weight: Weight): Weight {
    this.#stored.set(name, weight);
    return this.takeOver(weight);
  }

  /** Declares a name that checkpoints may hold and that is not needed here. */
  protected unused(name: string): void {
    this.#unused.add(name);
  }

  /** Declares random numbers that the module draws in training; `seedRandom` gives them their seed. */
  protected randomStream(): RandomStream {
    const stream = this.takeOver(new RandomStream(this.runtime));
    this.#streams.push(stream);
    return stream;
  }

  /** The streams of this module and of those in it, in the order of declaration. */
  *#randomStreams(): Generator<RandomStream> {
    yield* this.#streams;
    for (const [, child] of this.#children) yield* child.#randomStreams();
  }

  /** All names declared so, like {@link parameters}. */
  *#unusedNames(prefix = ''): Generator<string> {
    for (const name of this.#unused) yield prefix + name;
    for (const [name, child] of this.#children) yield* child.#unusedNames(prefix + inside(name));
  }

  /** All that checkpoints hold, in whatever way it is stored; those of children under `child.`, as declared. */
  *storedWeights(prefix = ''): Generator<[name: string, weight: StoredWeight]> {
    checkArgument('storedWeights', 'prefix', prefix, text);
    for (const [name, weight] of this.#stored) yield [prefix + name, weight];
    for (const [name, child] of this.#children) yield* child.storedWeights(prefix + inside(name));
  }

  /** Those of them that are tensors: all but quantised weights. */
  *parameters(prefix = ''): Generator<[name: string, parameter: Parameter]> {
    checkArgument('parameters', 'prefix', prefix, text);
    for (const [name, weight] of this.storedWeights(prefix)) {
      if (weight instanceof Parameter) yield [name, weight];
    }
  }

  /** The tensors that training changes, by name: what `valueAndGrad` and optimizers take. @throws ReleasedError */
  weights(): Record<string, Tensor> {
    this.checkAlive();
    const trained = [...this.parameters()].filter(([, { trained }]) => trained);
    return Object.fromEntries(trained.map(([name, { tensor }]) => [name, tensor]));
  }

  /** Whether layers that differ in training (BatchNorm, Dropout) behave as in training. */
  get training(): boolean {
    return this.#training;
  }

  /** Switches this module and those in it to training, or back to inference. */
  train(training = true): this {
    this.checkAlive();
    checkArgument('train', 'training', training, flag);
    this.#training = training;
    for (const [, child] of this.#children) child.train(training);
    return this;
  }

  /**
   * Puts the random numbers that layers draw in training (Dropout) to the beginning of a step: they depend on the seed, the
   * step and the order of declaration only. `train` does so before each step, so that a run that goes on draws what it
   * would have drawn. Without another call the numbers go on from draw to draw, also where a capture is replayed.
   * @throws OptionError; ReleasedError after `dispose()`
   */
  seedRandom(seed: number, step = 0): this {
    this.checkAlive();
    checkArguments('seedRandom', { seed, step }, { seed: uint32, step: uint32 });
    // Stream 0 of a seed is what `new Random(runtime, seed)` draws.
    let number = 1;
    for (const stream of this.#randomStreams()) stream.seek(seed, number++, step);
    return this;
  }

  /**
   * Gives every weight its initial elements, which depend on the seed and on the order of declaration only, and calls
   * `seedRandom` with the seed.
   * @throws ReleasedError after `dispose()`, as all that follows
   */
  initialize(seed: number): this {
    this.checkAlive();
    checkArgument('initialize', 'seed', seed, uint32);
    this.seedRandom(seed);
    let stream = 0;
    for (const [, weight] of this.storedWeights()) {
      weight.set(weight.initial(sizeOf(weight.shape), new HostRandom(seed, stream++)));
    }
    return this;
  }

  /**
   * All weights and statistics on the host, by the names that `load` takes them under: what `encodeSafetensors` and
   * `writeNpy` write. Weights that the device keeps in f16 or quantised are the numbers that they stand for.
   * @throws ReleasedError before the weights are loaded and after the module is disposed
   */
  async state(): Promise<Record<string, NumericArray<'f32'>>> {
    this.checkAlive();
    const entries = [...this.storedWeights()].map(
      async ([name, weight]) =>
        [name, { dtype: 'f32', shape: weight.shape, data: await weight.read() }] as const,
    );
    return Object.fromEntries(await Promise.all(entries));
  }

  /**
   * For `console.log` in Node: this module and those in it with the parameters that they have, running statistics not
   * counted. Equal ones that follow each other share a line.
   */
  override [inspected](depth: number): string {
    return this.isDisposed ? super[inspected](depth) : this.#tree(depth).join('\n');
  }

  #tree(depth: number): string[] {
    let count = 0;
    for (const [, weight] of this.storedWeights()) {
      if (!(weight instanceof Parameter) || weight.trained) count += sizeOf(weight.shape);
    }
    const lines = [`${this.constructor.name} (${count.toLocaleString('en')} parameters)`];
    if (depth <= 0) return lines;
    const children: { first: string; last: string; lines: readonly string[] }[] = [];
    for (const [name, child] of this.#children) {
      const lines = child.#tree(depth - 1);
      const before = children.at(-1);
      if (before && /\d$/.test(name) && before.lines.join() === lines.join()) before.last = name;
      else children.push({ first: name, last: name, lines });
    }
    for (const {
      first,
      last,
      lines: [head, ...rest],
    } of children) {
      const name = first === last ? first : `${first} to ${last}`;
      lines.push(`  ${name === '' ? '' : `${name}: `}${head}`, ...rest.map((line) => `  ${line}`));
    }
    return lines;
  }

  /**
   * Loads the weights, a bounded part of one tensor in memory at a time. They are uploaded as they are stored, and
   * become what the module stores on the device. Where it rejects, some weights are loaded and others are not.
   * @throws FileFormatError with every name that is missing, has another shape or dtype or is too many, or that of a tensor with
   *   an element that is no number, or none that the module can store
   */
  async load(checkpoint: Safetensors, options: LoadOptions = {}): Promise<void> {
    this.checkAlive();
    checkArgument('load', 'checkpoint', checkpoint, instanceOf(Safetensors, 'open safetensors'));
    checkFields('load', options, loadRules);
    const weights = new Map(this.storedWeights());
    const shapes = Object.fromEntries([...weights].map(([name, { shape }]) => [name, shape]));
    checkTensors(checkpoint, shapes, { unused: [...this.#unusedNames()] });
    await loadWeights(this.runtime, weights, checkpoint, options);
  }
}

/** A new model with the weights of a checkpoint. Where they do not fit, the model is freed. @throws as `Module.load` */
export async function loaded<Model extends Module>(
  model: Model,
  checkpoint: Safetensors,
  options?: LoadOptions,
): Promise<Model> {
  try {
    await model.load(checkpoint, options);
    return model;
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** What stands before the names in a child. */
function inside(name: string): string {
  return name === '' ? '' : `${name}.`;
}
