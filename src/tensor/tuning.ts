/** What a tuning file holds for one operation. */
export interface OperationTuning {
  /** The variants that were measured: where others exist, the choices say nothing. */
  readonly variants: readonly string[];
  /** The fastest variant for each kind of problem. */
  readonly choices: Readonly<Record<string, string>>;
}

export type TuningRecord = Readonly<Record<string, OperationTuning>>;

/** The choices of one operation, as they are looked up. */
interface Choices {
  readonly variants: readonly string[];
  readonly byProblem: Map<string, string>;
  /** What was found for problems already seen, by their own JSON: to tell their kind takes ten times longer. */
  readonly seen: Map<string, string | undefined>;
}

/** Problems remembered by their own JSON, for each operation. */
const mostSeen = 1024;

/**
 * Which variant of an operation was measured to be the fastest for which problems on one device. A choice holds for
 * all problems of about the same sizes and the same flags; it never makes a variant legal.
 */
export class Tuning {
  readonly #operations = new Map<string, Choices>();

  /** A tuning as it was stored; anything that is not one counts as empty. */
  static from(record: unknown): Tuning {
    const tuning = new Tuning();
    for (const [operation, stored] of Object.entries((record ?? {}) as TuningRecord)) {
      if (!Array.isArray(stored?.variants) || typeof stored.choices !== 'object') continue;
      const byProblem = new Map(Object.entries(stored.choices ?? {}));
      tuning.#operations.set(operation, { variants: stored.variants, byProblem, seen: new Map() });
    }
    return tuning;
  }

  /** The variant that was fastest for such a problem, among these; undefined where that was not measured. */
  choice(operation: string, variants: readonly string[], problem: unknown): string | undefined {
    const known = this.#operations.get(operation);
    if (!known || !sameNames(known.variants, variants)) return undefined;
    const { seen, byProblem } = known;
    const text = JSON.stringify(problem);
    if (!seen.has(text)) {
      if (seen.size === mostSeen) seen.clear();
      seen.set(text, byProblem.get(problemKind(problem)));
    }
    return seen.get(text);
  }

  /** Enters that a variant was fastest for such problems. */
  record(operation: string, variants: readonly string[], problem: unknown, fastest: string): void {
    let known = this.#operations.get(operation);
    if (!known || !sameNames(known.variants, variants)) {
      known = { variants: [...variants], byProblem: new Map(), seen: new Map() };
      this.#operations.set(operation, known);
    }
    known.byProblem.set(problemKind(problem), fastest);
    known.seen.clear();
  }

  /** For JSON.stringify. */
  toJSON(): TuningRecord {
    return Object.fromEntries(
      [...this.#operations].map(([operation, { variants, byProblem }]) => [
        operation,
        { variants, choices: Object.fromEntries(byProblem) },
      ]),
    );
  }
}

/**
 * Problems of one kind want the same variant: their flags and small sizes are equal, their sizes from 16 on within
 * about a fifth of each other (steps of half an octave). Factors that are no sizes do not count.
 */
function problemKind(problem: unknown): string {
  return JSON.stringify(problem, (_, value: unknown) => {
    if (typeof value !== 'number') return value;
    if (!Number.isInteger(value)) return undefined;
    return Math.abs(value) < 16 ? value : `2^${Math.round(2 * Math.log2(Math.abs(value))) / 2}`;
  });
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i]);
}
