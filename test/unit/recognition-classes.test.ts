import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FileFormatError } from '../../src/errors.js';
import { checkConfig } from '../../src/models/map-diffusion/config.js';
import { withClasses } from '../../src/models/map-diffusion/recognition.js';
import { readSignalMdvlmFile } from '../../src/models/mdvlm/signal/signal-folder.js';

// This file runs as dist/test/unit/….
const checkpoints = fileURLToPath(new URL('../../../checkpoints', import.meta.url));
const stored = (name: string) => JSON.parse(readFileSync(join(checkpoints, name, 'config.json'), 'utf8'));

describe('the classes of recognition', () => {
  it('are read from files of before, which call them kinds', async () => {
    const { model } = await readSignalMdvlmFile(join(checkpoints, 'hapt-mdvlm-tiny'));
    assert.deepEqual(model.encoder.recognition, { classes: 12, weight: 1 });
    for (const name of ['hapt-map-diffusion', 'world-map-diffusion']) {
      const { recognition } = checkConfig(withClasses(stored(name).model));
      assert.deepEqual(recognition, { classes: 12, weight: 0.1 });
    }
  });

  it('are read by their own name, and never by both', async () => {
    const config = { recognition: { classes: 2, weight: 1 } };
    assert.equal(withClasses(config), config);
    assert.equal(withClasses(undefined), undefined);
    const file = stored('hapt-mdvlm-tiny');
    file.model.encoder.recognition = { classes: 12, kinds: 11, weight: 1 };
    const folder = mkdtempSync(join(tmpdir(), 'tal-classes-'));
    try {
      writeFileSync(join(folder, 'config.json'), JSON.stringify(file));
      await assert.rejects(readSignalMdvlmFile(folder), (error) => {
        return error instanceof FileFormatError && /recognition.*kinds/.test(error.message);
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
