import {
  checkArgument,
  checkArguments,
  checkFields,
  integer,
  number,
  optional,
  positive,
  type Rules,
  text as textRule,
} from '../../arguments.js';
import { parseTimedText, type TimedText, timedTextRule } from '../../data/text/timed-text.js';

export interface TimeTokensOptions {
  /** How many time tokens there are; default 100, as in LITA. */
  readonly count?: number;
  /**
   * Id of `<t0>`; those of the others follow. Default 126084, the first reserved token of LLaDA, so that the
   * embedding keeps its size (ours). LaViDa's infilling checkpoints use 126085: give 126100 or more there.
   */
  readonly firstId?: number;
}

export const timesRules: Rules<Required<TimeTokensOptions>> = { count: integer(2), firstId: integer(0) };

/** To the nearest integer; halves to the even one, as NumPy rounds, which LITA encodes with. */
function roundHalfToEven(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

// Made once: every id of a text is asked for.
const anyInteger = integer();

const optionRules: Rules<TimeTokensOptions> = { count: optional(integer(2)), firstId: optional(integer(0)) };

const inside = (seconds: number, duration: number): number => Math.min(duration, Math.max(0, seconds));

/**
 * Times as tokens (LITA, Huang et al., ECCV 2024): token i of n stands for i / (n - 1) of the video's length. They
 * are written `<t0>` to `<t99>` in texts, and are reserved ids of the model's vocabulary.
 */
export class TimeTokens {
  readonly count: number;
  readonly firstId: number;

  /** @throws OptionError where there would be fewer than two tokens, or the first id is none */
  constructor(options: TimeTokensOptions = {}) {
    checkFields('TimeTokens', options, optionRules);
    const { count = 100, firstId = 126_084 } = options;
    this.count = count;
    this.firstId = firstId;
  }

  /**
   * The token nearest to a time; times outside the video are moved to its ends.
   * @param duration length of the video in seconds
   * @throws OptionError where the time is not finite, or the video has no length
   */
  encode(seconds: number, duration: number): number {
    checkArguments('TimeTokens.encode', { seconds, duration }, { seconds: number, duration: positive });
    return roundHalfToEven((this.count - 1) * (inside(seconds, duration) / duration));
  }

  /**
   * The time of token `index`, in seconds, to hundredths, but never beyond the end of the video.
   * @throws OptionError where there is no such token, or the video has no length
   */
  decode(index: number, duration: number): number {
    checkArgument('TimeTokens.decode', 'duration', duration, positive);
    const seconds = (this.checkedIndex(index) * duration) / (this.count - 1);
    return inside(Number(seconds.toFixed(2)), duration);
  }

  /** Of all of them, from `<t0>` on. */
  get ids(): number[] {
    return Array.from({ length: this.count }, (_, i) => this.firstId + i);
  }

  /** The id of token `index`. @throws OptionError where there is no such token */
  id(index: number): number {
    return this.firstId + this.checkedIndex(index);
  }

  /** Which time token an id is, or undefined where it is none. @throws OptionError where it is not an integer */
  indexOf(id: number): number | undefined {
    checkArgument('TimeTokens.indexOf', 'id', id, anyInteger);
    const index = id - this.firstId;
    return index >= 0 && index < this.count ? index : undefined;
  }

  /** `<t12>` for token 12. @throws OptionError where there is no such token */
  text(index: number): string {
    return `<t${this.checkedIndex(index)}>`;
  }

  /** A text whose times are tokens: `<t12>` where `timed` has a number of seconds. @throws as `encode` */
  write(timed: TimedText, duration: number): string {
    checkArguments('TimeTokens.write', { timed, duration }, { timed: timedTextRule, duration: positive });
    return timed
      .map((piece) => (typeof piece === 'string' ? piece : this.text(this.encode(piece, duration))))
      .join('');
  }

  /**
   * Splits a text at its time tokens: strings as they are, numbers are indices of tokens. What looks like a token
   * but is none of these, such as `<t100>` of 100, stays text. Empty strings are left out.
   * @throws OptionError
   */
  split(text: string): (string | number)[] {
    checkArgument('TimeTokens.split', 'text', text, textRule);
    const pieces: (string | number)[] = [];
    let taken = 0;
    for (const match of text.matchAll(/<t(0|[1-9]\d*)>/g)) {
      const index = Number(match[1]);
      if (index >= this.count) continue;
      if (match.index > taken) pieces.push(text.slice(taken, match.index));
      pieces.push(index);
      taken = match.index + match[0].length;
    }
    if (taken < text.length) pieces.push(text.slice(taken));
    return pieces;
  }

  /**
   * Reads a text whose times are tokens (`<t12>`) or seconds (`<12.5>`).
   * @throws OptionError where the video has no length
   */
  read(text: string, duration: number): TimedText {
    checkArguments('TimeTokens.read', { text, duration }, { text: textRule, duration: positive });
    return this.split(text).flatMap((piece) =>
      typeof piece === 'string' ? parseTimedText(piece) : [this.decode(piece, duration)],
    );
  }

  private checkedIndex(index: number): number {
    checkArgument('TimeTokens', 'index', index, integer(0, this.count - 1));
    return index;
  }
}
