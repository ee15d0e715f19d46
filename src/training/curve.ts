/** A point of a curve. */
export interface CurvePoint {
  readonly step: number;
  readonly value: number;
}

/** Values that a drawing shows as one point, at the step of the last. */
interface Bucket {
  step: number;
  sum: number;
  count: number;
}

/** As many points as a drawing can show. */
const most = 600;

/**
 * A quantity over the steps of a run, in bounded memory: a long run has means of neighbouring steps. Values that are no numbers
 * are left out.
 */
export class Curve {
  #points: Bucket[] = [];
  /** Values of a point. */
  #width = 1;
  #last: number | undefined;

  /** The value that was added last. */
  get last(): number | undefined {
    return this.#last;
  }

  get points(): CurvePoint[] {
    return this.#points.map(({ step, sum, count }) => ({ step, value: sum / count }));
  }

  add(step: number, value: number | null): void {
    if (value === null || !Number.isFinite(value)) return;
    this.#last = value;
    const open = this.#points.at(-1);
    if (open && open.count < this.#width) {
      open.step = step;
      open.sum += value;
      open.count++;
      return;
    }
    this.#points.push({ step, sum: value, count: 1 });
    if (this.#points.length > most) this.#halve();
  }

  #halve(): void {
    this.#width *= 2;
    const halves: Bucket[] = [];
    for (let i = 0; i < this.#points.length; i += 2) {
      const [a, b] = [this.#points[i]!, this.#points[i + 1]];
      halves.push(b ? { step: b.step, sum: a.sum + b.sum, count: a.count + b.count } : a);
    }
    this.#points = halves;
  }
}
