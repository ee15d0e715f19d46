import { type MapDiffusionConfig, mapDiffusionConfigs } from '../../models/map-diffusion/config.js';
import type { Architecture } from './architecture.js';

type Shapes = Record<string, readonly number[]>;

const layer = (name: string, ...weight: readonly number[]): Shapes => ({
  [`${name}.weight`]: weight,
  [`${name}.bias`]: [weight[0]!],
});

/** Every weight of MS-2D-TAN with its shape. */
function weights({ layout, clips, words, hidden, decoder }: MapDiffusionConfig): Shapes {
  const shapes: Shapes = {
    ...layer('clip_module.vis_conv', hidden, clips.channels, 1),
    ...layer('fusion_module.tex_linear', hidden, 2 * words.hidden),
    ...layer('fusion_module.vis_conv', hidden, hidden, 1, 1),
  };
  for (let i = 0; i < words.layers; i++) {
    for (const direction of ['', '_reverse']) {
      const inputs = i === 0 ? words.size : 2 * words.hidden;
      for (const [part, columns] of Object.entries({ ih: inputs, hh: words.hidden })) {
        const name = (kind: string) => `fusion_module.textual_encoder.${kind}_${part}_l${i}${direction}`;
        shapes[name('weight')] = [4 * words.hidden, columns];
        shapes[name('bias')] = [4 * words.hidden];
      }
    }
  }
  for (let scale = 0; scale < layout.scales; scale++) {
    const columns = scale === 0 ? layout.durations : layout.durations / 2;
    for (let i = 0; i < columns; i++) {
      const kernel = i > 0 ? 2 : scale > 0 ? 3 : 1;
      const name = `prop_module.layers.${scale}.${i}`;
      Object.assign(shapes, layer(`${name}.0`, hidden, hidden, kernel), layer(`${name}.1`, hidden));
      shapes[`${name}.1.running_mean`] = [hidden];
      shapes[`${name}.1.running_var`] = [hidden];
    }
    const side = decoder.kernel;
    for (let i = 0; i < decoder.layers; i++) {
      const name = `map_modules.${scale}.blocks.${i}`;
      Object.assign(
        shapes,
        layer(`${name}.0`, hidden, hidden, side, side),
        layer(`${name}.1`, 1, hidden, side, side),
      );
    }
    Object.assign(shapes, layer(`pred_modules.${scale}.predictor`, 1, hidden, 1, 1));
  }
  return shapes;
}

/** Where the folder has the word vectors. */
const words = 'words.safetensors';

/**
 * MS-2D-TAN (Zhang et al. 2021), the network that our map diffusion takes its encoder from, with its own head; our names are
 * its authors'. How many steps are pooled to a clip is not in the weights, so each released configuration is one entry.
 */
export const ms2dTan: readonly Architecture[] = Object.entries<MapDiffusionConfig>(mapDiffusionConfigs)
  .filter(([, { head }]) => head === 'single-pass')
  .map(([name, config]) => ({
    name,
    title: `MS-2D-TAN, ${name.slice('ms-2d-tan-'.length)}`,
    recognizes: (names) =>
      names.has('clip_module.vis_conv.weight') && names.has('map_modules.0.blocks.0.0.weight'),
    // Counted for PyTorch's own training alone.
    renames: [[/\.num_batches_tracked$/, undefined]],
    conversion: () => ({
      shapes: weights(config),
      config: () => ({
        architecture: 'map-diffusion',
        model: config,
        words,
        steps: 1,
        training: { released: name },
      }),
      note: `loadMapDiffusion takes the folder, with GloVe vectors of ${config.words.size} numbers (encodeWordVectors) in it as ${words}`,
    }),
  }));
