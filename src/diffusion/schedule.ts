import {
  checkArgument,
  checkArguments,
  either,
  integer,
  numberIn,
  numbers,
  oneOf,
  type Rule,
  rule,
} from '../arguments.js';
import { OptionError } from '../errors.js';

/** The noise that each time adds: a named schedule, or β itself, a number in (0, 1) for each time. */
export type BetaSchedule = 'linear' | 'cosine' | readonly number[];

/** How the times of a DDIM loop are spread over the T times of training. */
export type DdimSpacing = 'linspace' | 'strided';

/** Numbers that all lie in a range; typed arrays too. */
const numbersWithin = (expected: string, accepts: (value: number) => boolean): Rule<ArrayLike<number>> =>
  rule(expected, (value) => numbers.accepts(value) && Array.from(value).every(accepts) && value.length > 0);

const shares = numbersWithin(
  'an array of numbers from 0 to 1, at least one',
  (share) => share >= 0 && share <= 1,
);

export const scheduleRule: Rule<BetaSchedule> = either(
  oneOf('linear', 'cosine'),
  numbersWithin('an array of at least one β, each in (0, 1)', (beta) => beta > 0 && beta < 1) as Rule<
    readonly number[]
  >,
);

export const spacingRule: Rule<DdimSpacing> = oneOf('linspace', 'strided');

/**
 * β of every time t = 0 … T − 1.
 *
 * `linear`: from 1e-4 to 0.02 (DDPM, Ho et al. 2020). `cosine`: 1 − f(t + 1) / f(t) with
 * f(t) = cos²(π/2 (t/T + s) / (1 + s)), s = 0.008, at most 0.999 (Nichol and Dhariwal 2021, eq. 17).
 *
 * @param times T; for given β their number
 * @throws OptionError
 */
export function betas(schedule: BetaSchedule, times = 1000): Float64Array {
  checkArguments('betas', { schedule, times }, { schedule: scheduleRule, times: integer(1) });
  if (typeof schedule !== 'string') return Float64Array.from(schedule);
  if (schedule === 'linear') {
    return Float64Array.from(
      { length: times },
      (_, t) => 1e-4 + ((0.02 - 1e-4) * t) / Math.max(1, times - 1),
    );
  }
  const offset = 0.008;
  const kept = (t: number) => Math.cos(((t / times + offset) / (1 + offset)) * (Math.PI / 2)) ** 2;
  return Float64Array.from({ length: times }, (_, t) => Math.min(1 - kept(t + 1) / kept(t), 0.999));
}

/** ᾱ of every time, the share of the signal's variance that is left: ᾱ_t = Π_{s ≤ t} (1 − β_s). @throws OptionError */
export function alphaBars(betas: ArrayLike<number>): Float64Array {
  checkArgument('alphaBars', 'betas', betas, shares);
  let product = 1;
  return Float64Array.from(betas, (beta) => {
    product *= 1 - beta;
    return product;
  });
}

/** √ᾱ_t and √(1 − ᾱ_t) of every time, (T, 2): the table that `qSample` reads. @throws OptionError */
export function noiseRoots(alphaBars: ArrayLike<number>): Float64Array {
  checkArgument('noiseRoots', 'alphaBars', alphaBars, shares);
  return Float64Array.from({ length: 2 * alphaBars.length }, (_, i) => {
    const alphaBar = alphaBars[i >> 1]!;
    return Math.sqrt(i % 2 === 0 ? alphaBar : 1 - alphaBar);
  });
}

/**
 * The times of a DDIM loop of S steps, from the noisiest on; after the last comes x0.
 *
 * `linspace`: the whole part of linspace(−1, T − 1, S + 1) without the −1 (DiffAct): starts at T − 1.
 * `strided`: ⌊i T / S⌋ (Song et al. 2021, D.3): ends at 0, and starts below T − 1 by the stride, so that few
 * steps start from a time at which the signal is not yet gone.
 *
 * @throws OptionError unless 1 ≤ steps ≤ times
 */
export function ddimTimes(times: number, steps: number, spacing: DdimSpacing = 'linspace'): Uint32Array {
  checkArgument('ddimTimes', 'times', times, integer(1));
  checkArguments('ddimTimes', { steps, spacing }, { steps: integer(1, times), spacing: spacingRule });
  return Uint32Array.from({ length: steps }, (_, s) =>
    spacing === 'linspace'
      ? Math.floor(((steps - s) * times) / steps) - 1
      : Math.floor(((steps - 1 - s) * times) / steps),
  );
}

/**
 * The coefficients of a DDIM loop, (S, 3): in each step x' = a x̂0 + b x + c noise, which is
 *
 *   x' = √ᾱ' x̂0 + √(1 − ᾱ' − σ²) (x − √ᾱ x̂0) / √(1 − ᾱ) + σ noise,
 *   σ = η √((1 − ᾱ') / (1 − ᾱ)) √(1 − ᾱ / ᾱ')
 *
 * (Song et al. 2021, eq. 12 and 16; eq. 5 of multi-scale 2D temporal map diffusion, corrected). ᾱ' is that of
 * the next time, and 1 in the last step, which therefore gives x̂0.
 *
 * @param times from `ddimTimes`
 * @param eta η: 0 is deterministic, 1 as noisy as DDPM
 * @throws OptionError unless 0 ≤ η ≤ 1 and the times fall
 */
export function ddimCoefficients(
  alphaBars: ArrayLike<number>,
  times: ArrayLike<number>,
  eta: number,
): Float64Array {
  checkArguments(
    'ddimCoefficients',
    { alphaBars, times, eta },
    { alphaBars: shares, times: numbers, eta: numberIn(0, 1) },
  );
  const coefficients = new Float64Array(3 * times.length);
  for (let s = 0; s < times.length; s++) {
    const now = alphaBars[times[s]!];
    const next = s + 1 < times.length ? alphaBars[times[s + 1]!] : 1;
    if (now === undefined || next === undefined || !(now < next)) {
      throw new OptionError(
        `ddimCoefficients: times must be falling integers below ${alphaBars.length}, not ${Array.from(times)}`,
      );
    }
    const sigma = eta * Math.sqrt((1 - next) / (1 - now)) * Math.sqrt(1 - now / next);
    const direction = Math.sqrt(Math.max(0, 1 - next - sigma * sigma) / (1 - now));
    coefficients.set([Math.sqrt(next) - direction * Math.sqrt(now), direction, sigma], 3 * s);
  }
  return coefficients;
}
