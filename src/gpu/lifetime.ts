import type { TalError } from '../errors.js';

/** The time in which a device works. Its end rejects all promises that wait for the device, and later ones. */
export class Lifetime {
  #failure: TalError | undefined;
  /** Resolves once, at the end, with the failure. */
  readonly ended: Promise<TalError>;
  #resolveEnded!: (failure: TalError) => void;
  readonly #waiting = new Set<(failure: TalError) => void>();

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  /** Why it ended; undefined as long as it lasts. */
  get failure(): TalError | undefined {
    return this.#failure;
  }

  /** @throws the failure once it has ended. */
  check(): void {
    if (this.#failure) throw this.#failure;
  }

  /**
   * `promise`, or a rejection at the end of the lifetime where that is first. (A race against one promise
   * of the loss would do the same, but keep an entry for each race ever run.)
   */
  guard<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#failure) {
        reject(this.#failure);
        promise.catch(() => {});
        return;
      }
      this.#waiting.add(reject);
      const settle = () => this.#waiting.delete(reject);
      promise.then(
        (value) => {
          settle();
          resolve(value);
        },
        (error: unknown) => {
          settle();
          // What a dead device reports is a consequence; the failure is the cause.
          reject(this.#failure ?? error);
        },
      );
    });
  }

  /** Ends it; only the first call counts. */
  end(failure: TalError): void {
    if (this.#failure) return;
    this.#failure = failure;
    this.#resolveEnded(failure);
    for (const reject of this.#waiting) reject(failure);
    this.#waiting.clear();
  }
}
