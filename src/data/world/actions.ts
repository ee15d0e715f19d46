/** What the figure rests on. */
export type Posture = 'standing' | 'sitting' | 'lying';

export interface ActionKind {
  /** The postures in which it can begin. */
  readonly from: readonly Posture[];
  /** The posture in which it ends, where that is another one: it is a transition. */
  readonly to?: Posture;
  /** Seconds that it takes at most; `SHORTEST_ACTION` at least. */
  readonly longest: number;
  /** How often it is chosen among what is possible, relative to the others. */
  readonly weight: number;
}

/** Seconds that every action takes at least. */
export const SHORTEST_ACTION = 2;

/** Everything the figure does: three postures held, four transitions between them, five motions. */
export const actionKinds = {
  stand: { from: ['standing'], longest: 6, weight: 2 },
  sit: { from: ['sitting'], longest: 8, weight: 3 },
  lie: { from: ['lying'], longest: 8, weight: 5 },
  'sit down': { from: ['standing'], to: 'sitting', longest: 4, weight: 3 },
  'stand up': { from: ['sitting'], to: 'standing', longest: 4, weight: 4 },
  'lie down': { from: ['sitting'], to: 'lying', longest: 4, weight: 2 },
  'sit up': { from: ['lying'], to: 'sitting', longest: 4, weight: 1 },
  walk: { from: ['standing'], longest: 8, weight: 2 },
  jump: { from: ['standing'], longest: 6, weight: 2 },
  wave: { from: ['standing', 'sitting'], longest: 6, weight: 2 },
  kick: { from: ['standing'], longest: 6, weight: 2 },
  squat: { from: ['standing'], longest: 7, weight: 2 },
} as const satisfies Record<string, ActionKind>;

export type ActionName = keyof typeof actionKinds;

export const actionNames = Object.keys(actionKinds) as ActionName[];

/** The kind of an action, without what only this kind has. */
export const actionKind = (name: ActionName): ActionKind => actionKinds[name];
