import { writeWhole } from '../data/files/output-file.js';
import { type NumericArray, toFloat32 } from '../data/formats/array.js';
import { encodeSafetensors, openSafetensors } from '../data/formats/safetensors.js';
import { FileFormatError } from '../errors.js';
import type { Module } from '../nn/module.js';
import { nodeModule } from '../node-module.js';
import type { Tensor } from '../tensor/tensor.js';

/** Arrays by name. */
export type Arrays = Readonly<Record<string, NumericArray<'f32'>>>;

/** How far a run is. */
export interface TrainingPlace {
  /** Steps done. */
  readonly step: number;
  /** Updates of each optimizer so far. */
  readonly updates: Readonly<Record<string, number>>;
  /** The step after which the model was validated last; 0 where it was not. */
  readonly validated: number;
}

/** What a run was started with: one that differs is another run. */
export interface TrainingIdentity {
  /** As the caller describes it. */
  readonly settings: string;
  /** What the trainer knows of it: turns, groups, seed. */
  readonly structure: Readonly<Record<string, unknown>>;
}

/** All that a run needs to go on as if it had not stopped. */
export interface TrainingState extends TrainingPlace {
  readonly arrays: Arrays;
}

/** Of the contents of the file; earlier ones had none. */
const version = '2';

/** Writes a state as a whole or not at all. @throws FileAccessError */
export async function saveTrainingState(
  path: string,
  { settings, structure }: TrainingIdentity,
  { arrays, ...place }: TrainingState,
): Promise<void> {
  const metadata = {
    trainingState: version,
    settings,
    structure: JSON.stringify(structure),
    place: JSON.stringify(place),
  };
  await writeWhole(path, encodeSafetensors(arrays, metadata));
}

/**
 * Reads a state, or nothing where there is none.
 * @throws FileFormatError where it is damaged, of an earlier version, or of a run with other settings
 */
export async function loadTrainingState(
  path: string,
  { settings, structure }: TrainingIdentity,
): Promise<TrainingState | undefined> {
  const { stat } = await nodeModule('node:fs/promises');
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (!exists) return undefined;
  const file = await openSafetensors(path);
  try {
    const { metadata } = file;
    if (metadata.trainingState === undefined && metadata.step !== undefined) {
      throw new FileFormatError(
        `${path} was written by an earlier version of this package, which has to finish it: ` +
          'choose another folder, or delete it to start anew',
      );
    }
    const place = metadata.trainingState === version ? placeOf(metadata.place) : undefined;
    if (!place) throw new FileFormatError(`${path} is no state of a training run of this version`);
    if (metadata.settings !== settings) {
      throw new FileFormatError(
        `${path} is of a run with other settings (${metadata.settings}): choose another folder, or delete it`,
      );
    }
    const other = differing(metadata.structure, structure);
    if (other) {
      throw new FileFormatError(
        `${path} is of a run with another ${other.name} (${other.found}, now ${other.wanted}): ` +
          'choose another folder, or delete it',
      );
    }
    const arrays: Record<string, NumericArray<'f32'>> = {};
    for (const [name, { shape }] of file.tensors) {
      const data = toFloat32(await file.read(name));
      if (!data.every(Number.isFinite))
        throw new FileFormatError(`${path}: ${name} holds NaN: the file is damaged`);
      arrays[name] = { dtype: 'f32', shape, data };
    }
    return { ...place, arrays };
  } finally {
    await file.close();
  }
}

/** Gives a model the weights of a file. @param prefix before their names @throws FileFormatError where one is missing */
export function restoreModel(model: Module, arrays: Arrays, path: string, prefix = ''): void {
  for (const [name, parameter] of model.parameters()) {
    const stored = arrays[prefix + name];
    if (!stored || stored.shape.join() !== parameter.shape.join()) {
      throw new FileFormatError(`${path} holds no ${name} of this model: delete it to start anew`);
    }
    parameter.set(stored.data);
  }
}

/** Gives tensors the elements of a file. @throws FileFormatError where one is missing */
export function restoreTensors(
  tensors: Readonly<Record<string, Tensor>>,
  arrays: Arrays,
  path: string,
  prefix: string,
): void {
  for (const [name, tensor] of Object.entries(tensors)) {
    const stored = arrays[prefix + name];
    if (stored?.data.length !== tensor.size) {
      throw new FileFormatError(`${path} holds no ${prefix}${name} of this task: delete it to start anew`);
    }
    tensor.write(stored.data);
  }
}

/** The place in a run that a state names; undefined where it is none. */
function placeOf(text: string | undefined): TrainingPlace | undefined {
  const place = parsed(text) as Partial<TrainingPlace> | undefined;
  const count = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
  if (typeof place !== 'object' || place === null) return undefined;
  const { step, updates, validated } = place;
  const sound =
    count(step) &&
    count(validated) &&
    typeof updates === 'object' &&
    updates !== null &&
    Object.values(updates).every(count);
  return sound ? (place as TrainingPlace) : undefined;
}

/** The first part of a structure that is another in a state. */
function differing(text: string | undefined, structure: TrainingIdentity['structure']) {
  const stored = (parsed(text) ?? {}) as Record<string, unknown>;
  for (const name of new Set([...Object.keys(structure), ...Object.keys(stored)])) {
    const [found, wanted] = [stored[name], structure[name]].map((part) => JSON.stringify(part));
    if (found !== wanted) return { name, found: shortened(found), wanted: shortened(wanted) };
  }
  return undefined;
}

function shortened(text = 'none'): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
