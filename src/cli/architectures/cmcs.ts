import { cmcsConfig } from '../../models/wtal/cmcs.js';
import type { Architecture } from './architecture.js';

/** CMCS (Liu, Jiang, Wang, CVPR 2019); our names are its authors'. */
export const cmcs: Architecture = {
  name: 'cmcs',
  title: 'CMCS',
  recognizes: (names) => names.has('base.base_conv_0.weight') && names.has('cls_heads.0.weight'),
  renames: [],
  conversion(file) {
    const config = cmcsConfig(file);
    const { channels, width, branchWidth, branches, classes } = config;
    const layers: Record<string, readonly number[]> = {
      'base.base_conv_0': [width, channels, 1],
      'att_bottom.att_conv_0': [branchWidth, width, 1],
      att_head: [1, branchWidth],
    };
    for (let i = 0; i < branches; i++) {
      layers[`cls_bottoms.${i}.cls_b${i}_conv_0`] = [branchWidth, width, 3];
      layers[`cls_heads.${i}`] = [classes, branchWidth];
    }
    return {
      shapes: Object.fromEntries(
        Object.entries(layers).flatMap(([layer, weight]) => [
          [`${layer}.weight`, weight],
          [`${layer}.bias`, [weight[0]!]],
        ]),
      ),
      config: (names) => ({ architecture: 'cmcs', classes: names }),
      classes,
      note: 'openModel, loadCmcs and tal localize --model take the folder',
    };
  },
};
