import { numberIn, onlyFields, optional, type Rule } from '../../arguments.js';
import type { HostRandom } from '../../data/host-random.js';
import { OptionError } from '../../errors.js';

/** How recordings are changed in training, anew each time (ours): a model then depends less on who wore the device and how. */
export interface SignalAugmentation {
  /** Largest angle, in degrees, by which the axes of all sensors are turned together about a random axis; needs sensors of three axes. */
  readonly rotation?: number;
  /** Standard deviation of the logarithm of the factor of each sensor. */
  readonly scale?: number;
  /** Standard deviation of noise that is added to each sample, in units of the signal. */
  readonly noise?: number;
}

export const augmentationRule: Rule<SignalAugmentation> = onlyFields<SignalAugmentation>({
  rotation: optional(numberIn(0, 180)),
  scale: optional(numberIn(0)),
  noise: optional(numberIn(0)),
});

/** Axes of a sensor. */
const axes = 3;

/**
 * Changes a signal in place.
 * @param signal [channels, samples], the axes x, y, z of a sensor one after the other
 * @throws OptionError where there is something to turn or scale and the channels are no sensors of three axes
 */
export function augmentSignal(
  signal: Float32Array,
  channels: number,
  { rotation = 0, scale = 0, noise = 0 }: SignalAugmentation,
  random: HostRandom,
): void {
  if ((rotation > 0 || scale > 0) && channels % axes !== 0) {
    throw new OptionError(
      `train: augment.rotation and augment.scale need sensors of three axes, not ${channels} channels`,
    );
  }
  const samples = signal.length / channels;
  const turn = rotationMatrix(random, (Math.PI / 180) * rotation);
  for (let first = 0; first + axes <= channels; first += axes) {
    const factor = Math.exp(scale * random.normal());
    const [x, y, z] = [0, 1, 2].map((axis) =>
      signal.subarray((first + axis) * samples, (first + axis + 1) * samples),
    ) as [Float32Array, Float32Array, Float32Array];
    for (let i = 0; i < samples; i++) {
      const before = [x[i]!, y[i]!, z[i]!];
      [x[i], y[i], z[i]] = turn.map(
        (row) => factor * row.reduce((sum, cell, k) => sum + cell * before[k]!, 0),
      ) as [number, number, number];
    }
  }
  if (noise > 0) for (let i = 0; i < signal.length; i++) signal[i]! += noise * random.normal();
}

/** A rotation by at most `most` radians about a random axis (Rodrigues). */
function rotationMatrix(random: HostRandom, most: number): number[][] {
  const axis = [random.normal(), random.normal(), random.normal()];
  const length = Math.hypot(...axis);
  const [x, y, z] = axis.map((value) => value / length) as [number, number, number];
  const angle = random.uniform(-most, most);
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const t = 1 - c;
  return [
    [t * x * x + c, t * x * y - s * z, t * x * z + s * y],
    [t * x * y + s * z, t * y * y + c, t * y * z - s * x],
    [t * x * z - s * y, t * y * z + s * x, t * z * z + c],
  ];
}
