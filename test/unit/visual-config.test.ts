import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OptionError } from '../../src/errors.js';
import {
  checkVisualConfig,
  patchesAcross,
  tokensAcross,
  tokensPerFrame,
  visualConfigs,
} from '../../src/models/mdvlm/vision/vision-config.js';

describe('visual configurations', () => {
  it('have the tokens of LLaDA-V', () => {
    const config = checkVisualConfig(visualConfigs['siglip2-so400m-patch14-384']);
    assert.deepEqual(
      [patchesAcross(config.vision), tokensAcross(config), tokensPerFrame(config)],
      [27, 14, 210],
    );
    assert.equal(config.vision.width / config.vision.heads, 72);
  });

  it('are refused by the name of the field', () => {
    const { tiny } = visualConfigs;
    const refused = (part: 'vision' | 'projector' | 'pooling', field: string, value: unknown) =>
      assert.throws(
        () => checkVisualConfig({ ...tiny, [part]: { ...tiny[part], [field]: value } }),
        (error: Error) =>
          error instanceof OptionError &&
          error.message.startsWith(`checkVisualConfig: ${part}.${field} must`),
      );
    for (const field of ['imageSize', 'patch', 'width', 'layers', 'heads', 'intermediate']) {
      for (const value of [0, 1.5, '2', undefined]) refused('vision', field, value);
    }
    refused('vision', 'unusedLayers', -1);
    refused('vision', 'patch', 23);
    refused('vision', 'heads', 5);
    for (const value of [0, 1, '1e-6', undefined]) refused('vision', 'epsilon', value);
    refused('projector', 'hidden', 0);
    refused('pooling', 'stride', 0.5);
    for (const part of ['vision', 'projector', 'pooling'] as const) {
      assert.throws(() => checkVisualConfig({ ...tiny, [part]: undefined }), OptionError);
    }
    assert.throws(() => checkVisualConfig(null), OptionError);
  });
});
