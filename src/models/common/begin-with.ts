import { openSafetensors } from '../../data/formats/safetensors.js';
import type { Module } from '../../nn/module.js';

/** Gives a model the weights of a folder or file, to begin a training with. @throws FileAccessError, FileFormatError */
export async function beginWith(model: Module, from: string): Promise<void> {
  const checkpoint = await openSafetensors(from);
  try {
    await model.load(checkpoint);
  } finally {
    await checkpoint.close();
  }
}
