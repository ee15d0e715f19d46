/// <reference lib="esnext.disposable" preserve="true" />
import { checkArgument, rule } from '../arguments.js';
import { ReleasedError } from '../errors.js';
import { inspected } from '../inspected.js';
import { Runtime } from './runtime.js';

const aRuntime = rule<Runtime>('a runtime', (value) => value instanceof Runtime);

/** What can be freed: a tensor, a capture, an owner. Doing so twice is harmless. */
export interface Freeable {
  dispose(): void;
}

/**
 * An object that owns tensors, captures or other owners. What it makes for itself it makes by `own`: that lives whatever
 * scope the object is made in, and ends with the object's own `dispose`. What it is given stays the giver's, unless it
 * takes it over.
 *
 * A constructor checks its arguments first and owns last, all in one call: then one that throws leaves nothing.
 */
export abstract class Owner {
  readonly #owned = new Set<Freeable>();
  #disposed = false;

  /** @throws OptionError unless `runtime` is one; ReleasedError after its end */
  constructor(readonly runtime: Runtime) {
    checkArgument(new.target.name, 'runtime', runtime, aRuntime);
    runtime.gpu.check();
    runtime.adopt(this);
  }

  get isDisposed(): boolean {
    return this.#disposed;
  }

  /** Frees all that belongs to this object, which cannot be used any more. Calling it twice is harmless. */
  dispose(): void {
    this.#disposed = true;
    for (const each of this.#owned) each.dispose();
    this.#owned.clear();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** For `console.log` in Node: the name of the class, without all that it holds. */
  [inspected](_depth: number): string {
    return this.#disposed ? `${this.constructor.name} (disposed)` : this.constructor.name;
  }

  /**
   * Runs `make` outside of all scopes. The tensors that it returns and the owners that it makes belong to this object;
   * other tensors are freed. Where it throws, all of them are.
   */
  protected own<T>(make: () => T): T {
    this.checkAlive();
    const made = new Set<Freeable>();
    const result = this.runtime.detached(() => this.runtime.scope(make), made);
    for (const each of made) this.#owned.add(each);
    return result;
  }

  /** Takes over what was made elsewhere. @throws ReleasedError after `dispose()`; then `given` is freed too */
  protected takeOver<T extends Freeable>(given: T): T {
    if (this.#disposed) given.dispose();
    this.checkAlive();
    this.#owned.add(given);
    return given;
  }

  /** Frees something that belongs to this object before its end. */
  protected free(owned: Freeable): void {
    this.#owned.delete(owned);
    owned.dispose();
  }

  /** @throws ReleasedError after `dispose()` and after the end of the runtime; DeviceLostError */
  protected checkAlive(): void {
    this.runtime.gpu.check();
    if (this.#disposed) throw new ReleasedError(`${this.constructor.name} was disposed: make a new one`);
  }
}
