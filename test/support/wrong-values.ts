import type { Field, Kind } from './public-functions.js';

/** A value of no argument's kind, or of few, and how a failure calls it. */
const POOL: readonly (readonly [name: string, value: unknown])[] = [
  ['undefined', undefined],
  ['null', null],
  ['true', true],
  ['NaN', Number.NaN],
  ['1.5', 1.5],
  ['-1', -1],
  ['1', 1],
  ['"wrong"', 'wrong'],
  ['""', ''],
  ['10n', 10n],
  ['[]', []],
  ['[[1]]', [[1]]],
  ['["wrong"]', ['wrong']],
  ['[null]', [null]],
  ['{}', {}],
  ['{ unknownName }', { unknownName: 1 }],
  ['a function', () => undefined],
  ['a symbol', Symbol('wrong')],
  ['a Date', new Date(0)],
];

/** Numbers that need not be integers, by the name of the argument or field. */
export type NumberNames = ReadonlySet<string>;

export interface Knowledge {
  readonly fractions: NumberNames;
  readonly negatives: NumberNames;
  /** Values of whatever kind, by the name of the argument or field. */
  readonly free: ReadonlySet<string>;
  sample(kind: Kind, name: string): unknown;
}

/** A value to give in place of a right one. */
export interface Trial {
  readonly label: string;
  readonly value: unknown;
  /** What the message must name: one of these. */
  readonly names: readonly string[];
  /** It may be taken; where it is refused the message still has to name the argument. */
  readonly mayPass: boolean;
}

type Verdict = 'wrong' | 'right' | 'perhaps';

/** What a value is to an argument of a kind. */
function judge(kind: Kind, name: string, value: unknown, known: Knowledge): Verdict {
  switch (kind.kind) {
    case 'anything':
      return 'right';
    case 'unknown':
      return known.free.has(name) ? 'right' : 'wrong';
    case 'boolean':
      return typeof value === 'boolean' ? 'right' : 'wrong';
    case 'bigint':
      return typeof value === 'bigint' ? 'right' : 'wrong';
    case 'function':
      return typeof value === 'function' ? 'right' : 'wrong';
    case 'choice':
      return kind.choices.includes(value as string) ? 'right' : 'wrong';
    case 'string':
      if (typeof value !== 'string') return 'wrong';
      return value === '' ? 'perhaps' : 'right';
    case 'number':
      if (typeof value !== 'number' || Number.isNaN(value)) return 'wrong';
      if (!Number.isInteger(value) && !known.fractions.has(name)) return 'wrong';
      return value < 0 && !known.negatives.has(name) ? 'wrong' : value === 1 ? 'right' : 'perhaps';
    case 'list': {
      if (!Array.isArray(value)) return 'wrong';
      if (value.length === 0) return kind.filled ? 'wrong' : 'perhaps';
      return worst(value.map((item) => judge(kind.item(), name, item, known)));
    }
    case 'numbers':
      if (Array.isArray(value) && /Like|Iterable/.test(kind.type)) {
        return value.every((item) => typeof item === 'number') ? 'perhaps' : 'wrong';
      }
      return typeof value === 'string' && kind.type === 'Iterable' ? 'wrong' : 'wrong';
    case 'record':
      if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Date)
        return 'wrong';
      if ('unknownName' in value)
        return isExact(kind) || kind.fields().some(({ optional }) => !optional) ? 'wrong' : 'perhaps';
      return kind.fields().every(({ optional }) => optional) ? 'right' : 'wrong';
    case 'dictionary': {
      if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Date)
        return 'wrong';
      const verdicts = Object.values(value).map((item) => judge(kind.item(), name, item, known));
      return verdicts.length === 0 ? 'perhaps' : worst(verdicts);
    }
    case 'map':
    case 'tuple':
    case 'instance':
      return 'wrong';
    case 'union': {
      const verdicts = kind.members().map((member) => judge(member, name, value, known));
      return verdicts.includes('right') ? 'right' : verdicts.includes('perhaps') ? 'perhaps' : 'wrong';
    }
  }
}

const worst = (verdicts: readonly Verdict[]): Verdict =>
  verdicts.includes('wrong') ? 'wrong' : verdicts.includes('perhaps') ? 'perhaps' : 'right';

/** Whether names that a record does not know are refused: options and operands, not data. */
export function isExact(kind: Kind & { kind: 'record' }): boolean {
  return kind.type === '' || /(Options|Operands|Inputs|Targets|Config|Rules|Sizes)$/.test(kind.type);
}

/** Everything wrong that may stand in the place of an argument. */
export function wrongValues(field: Field, known: Knowledge, depth = 0, exact = true): Trial[] {
  const { name, kind, optional } = field;
  const own = POOL.flatMap(([label, value]): Trial[] => {
    if (value === undefined && optional) return [];
    const verdict = judge(kind, name, value, known);
    const parts =
      kind.kind === 'record' ? partsNamed(kind) : kind.kind === 'unknown' ? [''] : ['unknownName'];
    const names = [name, ...parts];
    return verdict === 'right' ? [] : [{ label, value, names, mayPass: verdict === 'perhaps' }];
  });
  return depth > 4 ? own : [...own, ...partsOf(field, known, depth, exact)];
}

/** What a message may name where a whole object is wrong: a field of it, or what it is. */
const partsNamed = (kind: Kind & { kind: 'record' }): string[] => [
  ...kind.fields().map(({ name }) => name),
  ...['unknownName', 'options', 'operands', 'fields', 'inputs'],
];

/** @param exact whether the object that it is a part of refuses unknown names: data in lists and maps does not */
function partsOf({ name, kind }: Field, known: Knowledge, depth: number, exact: boolean): Trial[] {
  const inside = (
    part: Field,
    put: (value: unknown) => unknown,
    place: string,
    names: readonly string[] = [],
  ) =>
    wrongValues(
      part,
      known,
      depth + 1,
      exact && names.length === 0 && (kind.kind !== 'record' || isExact(kind)),
    ).map((trial) => ({
      ...trial,
      label: `${place}${trial.label}`,
      value: put(trial.value),
      names: [...trial.names, ...names],
    }));
  switch (kind.kind) {
    case 'record': {
      const sample = known.sample(kind, name) as Record<string, unknown>;
      const fields = kind.fields();
      const parts = fields.flatMap((field) =>
        inside(field, (value) => ({ ...sample, [field.name]: value }), `${field.name}: `),
      );
      if (!exact || !isExact(kind)) return parts;
      const misspelled = fields.flatMap(({ name: right }) => {
        const wrong = `${right.slice(0, 1)}_${right.slice(1)}`;
        return [
          { label: `misspelled ${wrong}`, value: { ...sample, [wrong]: 1 }, names: [wrong], mayPass: false },
        ];
      });
      return [
        ...parts,
        ...misspelled,
        {
          label: 'unknownName: 1',
          value: { ...sample, unknownName: 1 },
          names: ['unknownName'],
          mayPass: false,
        },
      ];
    }
    case 'list':
      return inside({ name, kind: kind.item(), optional: false }, (value) => [value], '[0]: ', [name]);
    case 'tuple':
      return kind.items().flatMap((item, i) => {
        const sample = known.sample(kind, name) as unknown[];
        return inside({ name, ...item }, (value) => sample.with(i, value), `[${i}]: `, [name]);
      });
    case 'map':
      return inside(
        { name, kind: kind.item(), optional: false },
        (value) => new Map([['some', value]]),
        'get(some): ',
        [name],
      );
    case 'dictionary':
      return inside({ name, kind: kind.item(), optional: false }, (value) => ({ some: value }), 'some: ', [
        name,
        ' some',
      ]);
    case 'union':
      return kind
        .members()
        .flatMap((member) =>
          partsOf({ name, kind: member, optional: false }, known, depth, exact).filter(
            ({ value }) => judge(kind, name, value, known) === 'wrong',
          ),
        );
    default:
      return [];
  }
}
