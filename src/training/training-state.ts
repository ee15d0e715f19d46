import { writeWhole } from '../data/files/output-file.js';
import { type NumericArray, toFloat32 } from '../data/formats/array.js';
import { encodeSafetensors, openSafetensors } from '../data/formats/safetensors.js';
import { FileFormatError } from '../errors.js';
import { nodeModule } from '../node-module.js';

/** Arrays by name. */
export type Arrays = Readonly<Record<string, NumericArray<'f32'>>>;

/** All that a run needs to go on as if it had not stopped. */
export interface TrainingState {
  /** Steps done. */
  readonly step: number;
  /** What the run was started with: one that differs is another run. */
  readonly settings: string;
  readonly arrays: Arrays;
}

/** Writes a state as a whole or not at all. @throws FileAccessError */
export async function saveTrainingState(
  path: string,
  { step, settings, arrays }: TrainingState,
): Promise<void> {
  await writeWhole(path, encodeSafetensors(arrays, { step: String(step), settings }));
}

/**
 * Reads a state, or nothing where there is none.
 * @throws FileFormatError where it is damaged, or of a run with other settings
 */
export async function loadTrainingState(path: string, settings: string): Promise<TrainingState | undefined> {
  const { stat } = await nodeModule('node:fs/promises');
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (!exists) return undefined;
  const file = await openSafetensors(path);
  try {
    const { metadata } = file;
    const step = Number(metadata.step);
    if (!Number.isInteger(step) || step < 0)
      throw new FileFormatError(`${path} is no state of a training run`);
    if (metadata.settings !== settings) {
      throw new FileFormatError(
        `${path} is of a run with other settings (${metadata.settings}): choose another folder, or delete it`,
      );
    }
    const arrays: Record<string, NumericArray<'f32'>> = {};
    for (const [name, { shape }] of file.tensors) {
      const data = toFloat32(await file.read(name));
      if (!data.every(Number.isFinite))
        throw new FileFormatError(`${path}: ${name} holds NaN: the file is damaged`);
      arrays[name] = { dtype: 'f32', shape, data };
    }
    return { step, settings, arrays };
  } finally {
    await file.close();
  }
}
