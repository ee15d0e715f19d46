import { flag, integer, onlyFields, optional, type Rule } from '../../../arguments.js';

/**
 * MASRA's parts beside its codebook (`AdaptiveInteraction.codes`), each of which may be left out. LRCA has no weights: it is a
 * loss alone (`CgDetrObjective.relationAlignment`).
 */
export interface MasraConfig {
  /** Transformer layers that make the temporal context H of the projected clips, for the parts that name it below; default 1. */
  readonly contextLayers?: number;
  /** ESTA, event semantic temporal alignment: numbers of the embedding of an event, which H is mapped to in training alone. */
  readonly semanticAlignment?: { readonly channels: number };
  /** SGE, semantic-guided enhancement: clips attend to H. Default false. */
  readonly guidedEnhancement?: boolean;
  /** SORA, second-order relational attention: channels between the convolutions of the map of cosines. */
  readonly secondOrder?: { readonly channels: number };
}

export const masraRule: Rule<MasraConfig> = onlyFields<MasraConfig>({
  contextLayers: optional(integer(1)),
  semanticAlignment: optional(onlyFields<{ channels: number }>({ channels: integer(1) })),
  guidedEnhancement: optional(flag),
  secondOrder: optional(onlyFields<{ channels: number }>({ channels: integer(1) })),
});

/** Layers that there are: none where no part needs the temporal context. */
export function contextLayersOf({
  contextLayers = 1,
  semanticAlignment,
  guidedEnhancement,
}: MasraConfig): number {
  return semanticAlignment || guidedEnhancement ? contextLayers : 0;
}
