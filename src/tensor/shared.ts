/** Something with several holders; `onRelease` is called when the last of them lets go. */
export class Shared {
  #holders = 0;

  constructor(readonly onRelease: () => void) {}

  retain(): this {
    this.#holders++;
    return this;
  }

  release(): void {
    if (--this.#holders === 0) this.onRelease();
  }
}
