import type { Edit } from './edit-list.js';

/** A coded picture of a track. */
export interface CodedFrame {
  /** When it begins to be shown, in seconds of the file as mediabunny counts them. */
  readonly time: number;
  /** The key frame from which it can be decoded: its time, and how many key frames are before it. */
  readonly group: { readonly time: number; readonly index: number };
}

/** A picture on a player's clock. */
export interface ShownFrame extends CodedFrame {
  /** When it begins to be shown, in seconds. */
  readonly seconds: number;
}

/** Less than any clock's tick, more than the error of a double. */
const TICK = 1e-6;

/**
 * The pictures that a player shows, in order. What lies before the beginning of the presentation is not among them; a
 * picture that is on the screen when it begins is shown from there on.
 * @param frames by rising time
 * @param edits of the track; without them its own time is the player's
 * @param shift what was taken off the track's own times
 */
export function shownFrames(
  frames: readonly CodedFrame[],
  edits: readonly Edit[] = [{ shownAt: 0, duration: Infinity, start: 0, still: false }],
  shift = 0,
): ShownFrame[] {
  return edits.flatMap(({ shownAt, duration, start, still }) => {
    const from = start - shift;
    const end = still ? from : from + duration;
    const first = Math.max(
      0,
      frames.findLastIndex(({ time }) => time <= from + TICK),
    );
    const shown: ShownFrame[] = [];
    for (let i = first; i < frames.length; i++) {
      const frame = frames[i]!;
      if (frame.time >= end - TICK && frame.time > from + TICK) break;
      shown.push({ ...frame, seconds: shownAt + Math.max(0, frame.time - from) });
    }
    return shown;
  });
}
