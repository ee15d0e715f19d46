import { FileFormatError } from '../../errors.js';
import type { BaseRecipe } from '../../models/wtal/bases/make-base.js';
import { wtalRecipes } from '../../models/wtal/recipes.js';
import type { Architecture, Conversion, NamedTensors } from './architecture.js';

/** Outputs of a network for ActivityNet 1.2 and 1.3, which averages over 13 snippets; no weight tells of that. */
const activitynet: readonly number[] = [101, 201];

/**
 * CO2-Net (Hong et al., arXiv:2107.12589) and DELU (Chen et al., ECCV 2022), whose networks are one; they differ in how
 * segments are read off. Our names are the authors', below `base`. Beside the weights the folder has what the recipe for
 * the data set has, which is told by the number of outputs: ActivityNet with 101 or 201, else THUMOS-14.
 */
export const co2net: readonly Architecture[] = [released('co2net', 'CO2-Net'), released('delu', 'DELU')];

function released(name: string, title: string): Architecture {
  return {
    name,
    title,
    recognizes: (names) => names.has('vAttn.bit_wise_attn.0.weight') && names.has('fusion.0.weight'),
    renames: [
      // Nothing reads it.
      [/^feat_encoder\..*$/, undefined],
      [/^/, 'base.'],
    ],
    conversion: (file) => conversion(name, title, file),
  };
}

function conversion(name: string, title: string, { name: file, tensors }: NamedTensors): Conversion {
  const shapeOf = (tensor: string): readonly [number, number] => {
    const shape = tensors.get(tensor)?.shape;
    if (shape?.length === 3) return [shape[0]!, shape[1]!];
    const found = shape ? `is [${shape.join(', ')}]` : 'is missing';
    throw new FileFormatError(`${file} is no ${title} checkpoint: ${tensor} ${found}`);
  };
  const [width, channels] = shapeOf('base.fusion.0.weight');
  const [attentionWidth] = shapeOf('base.vAttn.attention.0.weight');
  const [classes] = shapeOf('base.classifier.4.weight');
  const recipe = `${name}-${activitynet.includes(classes) ? 'activitynet' : 'thumos14'}`;
  const { model } = wtalRecipes[recipe]!;
  const base = { ...model.base, width, attentionWidth } as BaseRecipe;
  const config = {
    architecture: 'wtal',
    model: { ...model, snippets: { kind: 'features', channels }, base },
    training: { released: recipe },
  };
  return {
    shapes: shapesOf({ channels, width, attentionWidth, classes }),
    config: (names) => ({ ...config, classes: names.slice(0, -1) }),
    classes,
    note: `openModel, tal localize and tal evaluate model take the folder; --set compat=${name} reads segments off as the released code`,
  };
}

interface Sizes {
  readonly channels: number;
  readonly width: number;
  readonly attentionWidth: number;
  readonly classes: number;
}

/** Every weight of the network with its shape. */
function shapesOf({ channels, width, attentionWidth, classes }: Sizes): Conversion['shapes'] {
  const half = channels / 2;
  const attention: Readonly<Record<string, readonly number[]>> = {
    'bit_wise_attn.0': [half, half, 3],
    'channel_conv.0': [half, half, 3],
    'attention.0': [attentionWidth, half, 3],
    'attention.3': [attentionWidth, attentionWidth, 3],
    'attention.5': [1, attentionWidth, 1],
  };
  const ofModality = (modality: string) =>
    Object.entries(attention).map(([layer, weight]) => [`${modality}.${layer}`, weight] as const);
  const layers: readonly (readonly [layer: string, weight: readonly number[]])[] = [
    ...ofModality('vAttn'),
    ...ofModality('fAttn'),
    ['fusion.0', [width, channels, 1]],
    ['classifier.1', [width, width, 3]],
    ['classifier.4', [classes, width, 1]],
  ];
  return Object.fromEntries(
    layers.flatMap(([layer, weight]) => [
      [`base.${layer}.weight`, weight],
      [`base.${layer}.bias`, [weight[0]!]],
    ]),
  );
}
