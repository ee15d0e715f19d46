import type { Safetensors } from '../../data/safetensors.js';
import { FileFormatError } from '../../errors.js';

/** What stands before the names of the tower: in LLaVA and its descendants, and in a checkpoint of SigLIP 2. */
const towerPrefixes = ['model.vision_tower.vision_tower.vision_model.', 'vision_model.'];
const visualPrefixes = ['model.vision_tower.', 'model.mm_projector.', 'model.image_newline'];

/** What a `VisualEncoder` loads of a whole checkpoint of LLaDA-V. */
export function visualWeights(checkpoint: Safetensors): Safetensors {
  return checkpoint.renamed((name) =>
    visualPrefixes.some((prefix) => name.startsWith(prefix)) ? name : undefined,
  );
}

/**
 * What a `VisionTower` loads of a checkpoint of LLaDA-V, or of SigLIP 2 alone, whose text tower is left out.
 * @throws FileFormatError where there is no tower in it
 */
export function visionTowerWeights(checkpoint: Safetensors): Safetensors {
  const names = [...checkpoint.tensors.keys()];
  const prefix = towerPrefixes.find((prefix) => names.some((name) => name.startsWith(prefix)));
  if (prefix === undefined) {
    throw new FileFormatError(
      `${checkpoint.name} holds no vision tower: nothing begins with ${towerPrefixes[1]}`,
    );
  }
  return checkpoint.renamed((name) => (name.startsWith(prefix) ? name.slice(prefix.length) : undefined));
}
