import type { Tensor } from '../../tensor/tensor.js';

/**
 * Work that is done twice, as `checkpoint` does it, must draw the same random numbers both times: the first time it is
 * recorded where the streams stand at each draw, the second time each draw is made from there.
 */

/** What a draw reads, and whether its stream moves on afterwards. */
interface Draw {
  readonly state: Tensor;
  readonly moves: boolean;
}

/** Gives the next draw, from the stream of that state. */
type NextDraw = (stream: Tensor) => Draw;

const ordinary: NextDraw = (state) => ({ state, moves: true });

/** Bodies are synchronous, so one for all runtimes will do. */
let nextDraw = ordinary;

function drawing<T>(next: NextDraw, body: () => T): T {
  const outer = nextDraw;
  nextDraw = next;
  try {
    return body();
  } finally {
    nextDraw = outer;
  }
}

/** For a stream, where its next draw begins. */
export function stateOfDraw(stream: Tensor): Draw {
  return nextDraw(stream);
}

/** Runs `body`. Also gives what each of its draws read, outside of all scopes: the caller frees that. */
export function recordDraws<T>(body: () => T): { readonly result: T; readonly states: readonly Tensor[] } {
  const states: Tensor[] = [];
  const outer = nextDraw;
  const record: NextDraw = (stream) => {
    const draw = outer(stream);
    const { runtime, shape, dtype } = stream;
    const state = runtime.detached(() => runtime.empty(shape, dtype));
    states.push(state);
    state.assign(draw.state);
    return { ...draw, state };
  };
  try {
    return { result: drawing(record, body), states };
  } catch (error) {
    for (const state of states) state.dispose();
    throw error;
  }
}

/** Runs `body` with the draws that were recorded before. */
export function repeatDraws<T>(states: readonly Tensor[], body: () => T): T {
  const left = states.values();
  return drawing(() => ({ state: left.next().value!, moves: false }), body);
}
