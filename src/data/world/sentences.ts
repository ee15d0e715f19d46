import type { HostRandom } from '../host-random.js';
import type { ActionName } from './actions.js';
import type { ScriptedAction } from './script.js';

/** How a sentence points at its action: by what it is, by the how-manieth, or by its neighbour. */
export type QueryKind = 'single' | 'ordinal' | 'relation';

/** A sentence with the one span of the video that it is true of. */
export interface WorldQuery {
  readonly query: string;
  readonly kind: QueryKind;
  /** Seconds. */
  readonly span: readonly [start: number, end: number];
}

type Phrase = readonly [finite: string, gerund: string];

/** The words for each action: what follows "someone", and what follows "right after". */
export const phrases: Readonly<Record<ActionName, readonly Phrase[]>> = {
  stand: [
    ['stands still', 'standing still'],
    ['stays on both feet', 'staying on both feet'],
    ['stands without moving', 'standing without moving'],
  ],
  sit: [
    ['sits still', 'sitting still'],
    ['is seated', 'being seated'],
    ['stays seated on the floor', 'staying seated on the floor'],
  ],
  lie: [
    ['lies still', 'lying still'],
    ['rests on the back', 'resting on the back'],
    ['lies at rest', 'lying at rest'],
  ],
  'sit down': [
    ['sits down', 'sitting down'],
    ['takes a seat on the floor', 'taking a seat on the floor'],
    ['goes from standing to sitting', 'going from standing to sitting'],
  ],
  'stand up': [
    ['stands up', 'standing up'],
    ['rises from the floor', 'rising from the floor'],
    ['goes from sitting to standing', 'going from sitting to standing'],
  ],
  'lie down': [
    ['lies down', 'lying down'],
    ['leans back onto the floor', 'leaning back onto the floor'],
    ['goes from sitting to lying', 'going from sitting to lying'],
  ],
  'sit up': [
    ['sits up', 'sitting up'],
    ['raises the upper body', 'raising the upper body'],
    ['goes from lying to sitting', 'going from lying to sitting'],
  ],
  walk: [
    ['walks', 'walking'],
    ['goes for a walk', 'going for a walk'],
    ['wanders around', 'wandering around'],
  ],
  jump: [
    ['jumps', 'jumping'],
    ['hops', 'hopping'],
    ['leaps into the air', 'leaping into the air'],
  ],
  wave: [
    ['waves', 'waving'],
    ['waves one hand', 'waving one hand'],
    ['greets with a raised arm', 'greeting with a raised arm'],
  ],
  kick: [
    ['kicks', 'kicking'],
    ['swings one leg', 'swinging one leg'],
    ['kicks with one foot', 'kicking with one foot'],
  ],
  squat: [
    ['squats', 'squatting'],
    ['does squats', 'doing squats'],
    ['bends both knees', 'bending both knees'],
  ],
};

const subjects = ['the person', 'the figure', 'a person', 'a figure', 'someone'] as const;
const adverbs = ['right', 'just', 'directly'] as const;
const ordinals = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth'] as const;
const openings = ['', 'when ', 'the moment in which ', 'the part where '] as const;

/** Something to ask: true of exactly one action of the video. */
type Fact = { readonly action: ScriptedAction } & (
  | { readonly kind: 'single' }
  | { readonly kind: 'ordinal'; readonly ordinal: string }
  | { readonly kind: 'relation'; readonly side: 'after' | 'before'; readonly neighbour: ActionName }
);

/** All that can be asked about a video. */
function factsOf(actions: readonly ScriptedAction[]): Fact[] {
  const follows = (later: number) => `${actions[later - 1]?.name} > ${actions[later]!.name}`;
  const pairs = actions.map((_, i) => (i === 0 ? '' : follows(i)));
  const facts: Fact[] = [];
  for (const [i, action] of actions.entries()) {
    const same = actions.filter(({ name }) => name === action.name);
    const place = same.indexOf(action);
    if (same.length === 1) facts.push({ kind: 'single', action });
    else {
      const ordinal = ordinals[place];
      if (ordinal) facts.push({ kind: 'ordinal', action, ordinal });
      if (place === same.length - 1) facts.push({ kind: 'ordinal', action, ordinal: 'last' });
    }
    if (i === 0 || pairs.filter((pair) => pair === pairs[i]).length > 1) continue;
    const earlier = actions[i - 1]!;
    facts.push({ kind: 'relation', action, side: 'after', neighbour: earlier.name });
    facts.push({ kind: 'relation', action: earlier, side: 'before', neighbour: action.name });
  }
  return facts;
}

function sentence(fact: Fact, random: HostRandom): string {
  const clause = `${random.choose(subjects)} ${random.choose(phrases[fact.action.name])[0]}`;
  const opening = random.choose(openings);
  switch (fact.kind) {
    case 'single':
      return `${opening}${clause}`;
    case 'ordinal':
      return random.chance(0.5)
        ? `the ${fact.ordinal} time ${clause}`
        : `${opening}${clause} for the ${fact.ordinal} time`;
    case 'relation': {
      const neighbour = random.choose(phrases[fact.neighbour])[1];
      return `${opening}${clause} ${random.choose(adverbs)} ${fact.side} ${neighbour}`;
    }
  }
}

/**
 * Up to `count` different questions about a video, of all kinds in numbers as equal as it allows. Each is true of
 * exactly one of its actions.
 */
export function writeQueries(
  actions: readonly ScriptedAction[],
  count: number,
  random: HostRandom,
): WorldQuery[] {
  const facts = factsOf(actions);
  const queries: WorldQuery[] = [];
  while (queries.length < count && facts.length > 0) {
    const kind = random.choose([...new Set(facts.map((fact) => fact.kind))]);
    const fact = random.choose(facts.filter((other) => other.kind === kind));
    facts.splice(facts.indexOf(fact), 1);
    queries.push({ query: sentence(fact, random), kind, span: [fact.action.start, fact.action.end] });
  }
  return queries;
}

/** Every word that a query can hold, in alphabetical order. */
export function worldWords(): string[] {
  const texts = [
    ...Object.values(phrases).flat(2),
    ...subjects,
    ...adverbs,
    ...ordinals,
    ...openings,
    'after before for the last time',
  ];
  return [...new Set(texts.flatMap((text) => text.split(' ')))].filter((word) => word !== '').toSorted();
}
