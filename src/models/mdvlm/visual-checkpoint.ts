import type { NumericArray } from '../../data/array.js';
import { type RowRange, Safetensors, type StoredTensor } from '../../data/safetensors.js';
import { FileFormatError } from '../../errors.js';

/** Some tensors of a checkpoint, under names of their own. Stays open with the checkpoint. */
class PartOfCheckpoint extends Safetensors {
  readonly #names = new Map<string, string>();
  readonly #tensors = new Map<string, StoredTensor>();

  /** @param rename gives a tensor's name here, or nothing where it is left out */
  constructor(
    private readonly whole: Safetensors,
    rename: (name: string) => string | undefined,
  ) {
    super(whole.name, { locations: new Map(), metadata: whole.metadata }, []);
    for (const [name, stored] of whole.tensors) {
      const own = rename(name);
      if (own === undefined) continue;
      this.#names.set(own, name);
      this.#tensors.set(own, stored);
    }
  }

  override get tensors(): ReadonlyMap<string, StoredTensor> {
    return this.#tensors;
  }

  override async read(tensor: string, rows?: RowRange): Promise<NumericArray> {
    const name = this.#names.get(tensor);
    if (name === undefined) throw new FileFormatError(`${this.name} holds no tensor ${tensor}`);
    return this.whole.read(name, rows);
  }
}

/** What stands before the names of the tower: in LLaVA and its descendants, and in a checkpoint of SigLIP 2. */
const towerPrefixes = ['model.vision_tower.vision_tower.vision_model.', 'vision_model.'];
const visualPrefixes = ['model.vision_tower.', 'model.mm_projector.', 'model.image_newline'];

/** What a `VisualEncoder` loads of a whole checkpoint of LLaDA-V. */
export function visualWeights(checkpoint: Safetensors): Safetensors {
  return new PartOfCheckpoint(checkpoint, (name) =>
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
  return new PartOfCheckpoint(checkpoint, (name) =>
    name.startsWith(prefix) ? name.slice(prefix.length) : undefined,
  );
}
