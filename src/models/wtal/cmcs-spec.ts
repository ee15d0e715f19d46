import { noTraining } from '../common/no-training.js';
import { refuseStorage } from '../common/storage.js';
import type { ModelSpec } from '../model-spec.js';
import { loadCmcs } from './cmcs-folder.js';
import { OpenedCmcs } from './opened-cmcs.js';

/** CMCS, weakly supervised localization of actions in features. */
export const cmcsSpec: ModelSpec = {
  ...noTraining('cmcs'),
  async open(runtime, source, { dtype, ...options }) {
    refuseStorage('cmcs', dtype);
    const { model, file } = await loadCmcs(runtime, source, options);
    return new OpenedCmcs(model, file.classes);
  },
};
