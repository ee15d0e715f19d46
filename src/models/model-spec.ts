import type { FolderSource } from '../data/files/source-folder.js';
import type { WeightStorage } from '../nn/weight-storage.js';
import type { Runtime } from '../tensor/runtime.js';
import type { LocalizationModel } from './localization-model.js';

/** How a model is opened. */
export interface LoadModelOptions {
  /** How the weights are stored on the device, where the architecture has a choice; default f32. */
  readonly dtype?: WeightStorage;
  /** Ends the loading; it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called as the weights are read, with bytes. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What the package knows of an architecture; `registry.ts` lists them all. */
export interface ModelSpec {
  /** Opens a folder whose `config.json` names this architecture. */
  open(runtime: Runtime, source: FolderSource, options: LoadModelOptions): Promise<LocalizationModel>;
}
