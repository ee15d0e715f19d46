import type { Dtype } from './dtype.js';
import type { Shape } from './shape.js';

/** A tensor that was not disposed, and where it was made. */
export interface LiveTensor {
  readonly shape: Shape;
  readonly dtype: Dtype;
  /** Of its elements. Views of one buffer, as `reshape` makes them, each count all of theirs. */
  readonly bytes: number;
  /** The operation that made it; undefined for all that is no operation, as `runtime.tensor` and `reshape`. */
  readonly operation: string | undefined;
  /** The calls that led to it, the innermost first, as the engine writes them. */
  readonly stack: string;
}

/** What is told of a tensor itself. */
type Described = Pick<LiveTensor, 'shape' | 'dtype' | 'bytes'>;

interface Origin {
  readonly operation: string | undefined;
  readonly stack: string;
}

/** The tensors of a runtime that are not disposed: how many, and with `traced` also where each was made. */
export class LiveTensors {
  #count = 0;
  readonly #origins: Map<Described, Origin> | undefined;

  constructor(readonly traced: boolean) {
    this.#origins = traced ? new Map() : undefined;
  }

  get count(): number {
    return this.#count;
  }

  add(tensor: Described, operation: string | undefined): void {
    this.#count++;
    this.#origins?.set(tensor, { operation, stack: callers() });
  }

  delete(tensor: Described): void {
    this.#count--;
    this.#origins?.delete(tensor);
  }

  /** In the order in which they were made; none unless traced. */
  list(): LiveTensor[] {
    return [...(this.#origins ?? [])].map(([{ shape, dtype, bytes }, origin]) => ({
      ...{ shape, dtype, bytes },
      ...origin,
    }));
  }
}

/** Enough to reach beyond the frames of this package. */
const frames = 40;

/** `callers`, `add`, `tensorMade` of the runtime and the constructor of the tensor. */
const ownFrames = 4;

function callers(): string {
  // V8 and JavaScriptCore take ten frames unless told otherwise; other engines take all.
  const engine = Error as { stackTraceLimit?: number };
  const { stackTraceLimit } = engine;
  engine.stackTraceLimit = frames;
  const lines = new Error().stack?.split('\n') ?? [];
  if (stackTraceLimit === undefined) delete engine.stackTraceLimit;
  else engine.stackTraceLimit = stackTraceLimit;
  // V8 puts the name of the error before the frames.
  return lines.slice(lines[0] === 'Error' ? ownFrames + 1 : ownFrames).join('\n');
}
