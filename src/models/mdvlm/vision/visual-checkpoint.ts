import { checkArgument, instanceOf } from '../../../arguments.js';
import { Safetensors } from '../../../data/formats/safetensors.js';
import { FileFormatError } from '../../../errors.js';
import { languageTensorName, withoutAdapterPrefix } from '../language/tensor-names.js';

const checkpointRule = instanceOf(Safetensors, 'a checkpoint (openSafetensors)');

/** What stands before the names of the tower: in LLaVA and its descendants, and in a checkpoint of SigLIP 2. */
const towerPrefixes = ['model.vision_tower.vision_tower.vision_model.', 'vision_model.'];
/** The vision encoder of LLaDA-V, each by what its tensors' names begin with. */
const visualParts = {
  'vision tower': 'model.vision_tower.',
  projector: 'model.mm_projector.',
  'end of a row': 'model.image_newline',
} as const;

const isVisual = (name: string): boolean =>
  Object.values(visualParts).some((prefix) => name.startsWith(prefix));

/** What a `VisualEncoder` loads of a whole checkpoint of LLaDA-V. */
export function visualWeights(checkpoint: Safetensors): Safetensors {
  checkArgument('visualWeights', 'checkpoint', checkpoint, checkpointRule);
  return checkpoint.renamed((name) => (isVisual(name) ? name : undefined));
}

/**
 * What an `Mdvlm` with a `VisualEncoder` loads of a whole checkpoint of LLaDA-V, whose language model may have the names
 * of LLaDA or of Llama, with or without PEFT's prefix.
 * @throws FileFormatError where a part of the vision encoder is not in it
 */
export function videoMdvlmWeights(checkpoint: Safetensors): Safetensors {
  checkArgument('videoMdvlmWeights', 'checkpoint', checkpoint, checkpointRule);
  const bare = checkpoint.renamed(withoutAdapterPrefix);
  const names = [...bare.tensors.keys()];
  for (const [part, prefix] of Object.entries(visualParts)) {
    if (names.some((name) => name.startsWith(prefix))) continue;
    throw new FileFormatError(
      `${checkpoint.name} has no ${part}, no tensor ${prefix}…: without it the model cannot look at videos`,
    );
  }
  return bare.renamed((name) => (isVisual(name) ? `encoder.${name}` : languageTensorName(name)));
}

/**
 * What a `VisionTower` loads of a checkpoint of LLaDA-V, or of SigLIP 2 alone, whose text tower is left out.
 * @throws FileFormatError where there is no tower in it
 */
export function visionTowerWeights(checkpoint: Safetensors): Safetensors {
  checkArgument('visionTowerWeights', 'checkpoint', checkpoint, checkpointRule);
  const names = [...checkpoint.tensors.keys()];
  const prefix = towerPrefixes.find((prefix) => names.some((name) => name.startsWith(prefix)));
  if (prefix === undefined) {
    throw new FileFormatError(
      `${checkpoint.name} holds no vision tower: nothing begins with ${towerPrefixes[1]}`,
    );
  }
  return checkpoint.renamed((name) => (name.startsWith(prefix) ? name.slice(prefix.length) : undefined));
}
