import { add } from '../../../ops/array/binary.js';
import { meanSquaredError } from '../../../ops/loss/mean-squared-error.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { Reconstruction } from '../base.js';

/** The mean squared errors of auto-encoders, added up, one element (Boosting-WTAL). */
export function reconstruction(reconstructions: readonly Reconstruction[]): Tensor {
  return reconstructions[0]!.modality.runtime.scope(() =>
    reconstructions
      .map(({ modality, rebuilt }) => meanSquaredError({ prediction: rebuilt, target: modality }))
      .reduce(add),
  );
}
