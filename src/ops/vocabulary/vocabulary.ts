import { integer, optional, type Rules } from '../../arguments.js';
import { ShapeError } from '../../errors.js';
import type { DeviceTraits } from '../../gpu/traits.js';
import type { Runtime } from '../../tensor/runtime.js';
import { expectDtype, type Tensor } from '../../tensor/tensor.js';
import { rowWindows } from '../../tensor/windows.js';
import { spread, workgroupSize } from '../grid.js';
import type { Variant } from '../op.js';

/**
 * What the operations share that go with the vocabulary matrix, the last layer of a language model, and never
 * write its logits: a kernel computes tiles of them and keeps for each row of hidden states what it found in its
 * part of the vocabulary; a second one puts the parts of a row together (kernels/lib/vocabulary.wgsl).
 */

/** The sizes of hidden states (rows, depth) and a vocabulary matrix (columns, depth). */
export interface VocabularyProblem {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly dtype: 'f32' | 'f16';
  /** Bytes of the matrix that one launch may bind; what the device can, where absent. */
  readonly windowBytes: number | undefined;
}

export interface WindowOptions {
  /** For tests of matrices larger than a binding, on small ones. */
  readonly windowBytes?: number;
}

export const windowBytesRules: Rules<WindowOptions> = { windowBytes: optional(integer(1)) };

/** One launch of the first kernel, without what the operation itself adds. */
export interface VocabularyLaunch {
  readonly weight: Tensor;
  readonly constants: Readonly<Record<string, number | string>>;
  readonly params: Readonly<
    Record<'depth' | 'first_id' | 'ids' | 'quads_each' | 'parts' | 'first_part', number>
  >;
  readonly workgroups: [number, number];
}

export interface VocabularyPlan {
  /** Of the first kernel. */
  readonly kind: 'shuffle' | 'tiled' | 'plain';
  /** Parts that are found of each row. */
  readonly parts: number;
  readonly launches: readonly VocabularyLaunch[];
}

/** How a kernel cuts the product. */
interface Tile {
  readonly rows: number;
  readonly ids: number;
  /** Parts that a workgroup leaves of each of its rows. */
  readonly parts: number;
  /** Enough workgroups to fill a device, as far as the matrix has tiles for them. More would only make more parts. */
  readonly workgroups: number;
  readonly constants: Readonly<Record<string, number | string>>;
}

/** @throws DtypeError, ShapeError */
export function vocabularyProblem(
  hidden: Tensor,
  weight: Tensor,
  { windowBytes }: WindowOptions,
): VocabularyProblem {
  expectDtype(hidden, 'hidden', 'f32', 'f16');
  expectDtype(weight, 'weight', hidden.dtype);
  const depth = hidden.shape.at(-1)!;
  if (weight.rank !== 2 || weight.shape[1] !== depth) {
    throw new ShapeError(`weight must be (ids, ${depth}) for hidden ${hidden}, not ${weight}`);
  }
  const dtype = hidden.dtype as 'f32' | 'f16';
  return { rows: hidden.size / depth, columns: weight.shape[0]!, depth, dtype, windowBytes };
}

/** The variants of such an operation; `run` records the launches of a plan and what comes after them. */
export function vocabularyVariants<Inputs extends { readonly weight: Tensor }, Problem, Outputs>(
  sizes: (problem: Problem) => VocabularyProblem,
  run: (runtime: Runtime, inputs: Inputs, outputs: Outputs, problem: Problem, plan: VocabularyPlan) => void,
): Variant<Inputs, Problem, Outputs>[] {
  const runWith =
    (kind: VocabularyPlan['kind'], tileFor: (problem: VocabularyProblem, traits: DeviceTraits) => Tile) =>
    (runtime: Runtime, inputs: Inputs, outputs: Outputs, problem: Problem) => {
      const vocabulary = sizes(problem);
      const tile = tileFor(vocabulary, runtime.traits);
      run(runtime, inputs, outputs, problem, { kind, ...planOf(inputs.weight, vocabulary, tile) });
    };
  return [
    {
      name: 'shuffle',
      suits: ({ subgroups }) => subgroups,
      meantFor: ['software'],
      run: runWith('shuffle', shuffleTile),
    },
    { name: 'tiled', suits: () => true, meantFor: ['hardware'], run: runWith('tiled', tiledTile) },
    { name: 'plain', suits: () => true, run: runWith('plain', plainTile) },
  ];
}

/** As matmul's: 16 rows and two quads of ids a lane, beyond which compilers give up. */
function shuffleTile({ rows }: VocabularyProblem, { subgroupMaxSize: lanes }: DeviceTraits): Tile {
  const quads = 2;
  const tileRows = [1, 4].find((size) => size >= rows) ?? 16;
  return {
    rows: tileRows,
    ids: 4 * quads * lanes,
    parts: lanes,
    workgroups: 64,
    constants: { WORKGROUP: lanes, ROWS: tileRows, QUADS: quads },
  };
}

/** 16 x 16 invocations, each with a quad of ids of up to four rows. */
function tiledTile({ rows, depth }: VocabularyProblem): Tile {
  const side = 16;
  const rowsEach = [1, 2].find((size) => side * size >= rows) ?? 4;
  return {
    rows: side * rowsEach,
    ids: 4 * side,
    parts: 1,
    workgroups: 1024,
    constants: { ROWS: rowsEach, ...(depth % 4 === 0 ? { Packed: 'vec4<Element>', WIDTH: 4 } : {}) },
  };
}

function plainTile(): Tile {
  return { rows: workgroupSize, ids: 4, parts: 1, workgroups: 1, constants: {} };
}

/** Tiles of ids that a workgroup goes over at most: longer sums lose too much to rounding. */
const mostTiles = 256;

/** Cuts the matrix into windows that can be bound, and each window among workgroups. */
function planOf(
  weight: Tensor,
  { rows, depth, dtype, windowBytes }: VocabularyProblem,
  tile: Tile,
): Omit<VocabularyPlan, 'kind'> {
  const rowTiles = Math.ceil(rows / tile.rows);
  let parts = 0;
  const windows = rowWindows(weight, windowBytes).map(({ view, begin, end }) => {
    // Quads that the window has in part count as whole ones.
    const tiles = Math.ceil((4 * (Math.ceil(end / 4) - Math.floor(begin / 4))) / tile.ids);
    const tilesEach = Math.min(mostTiles, Math.ceil(tiles / Math.ceil(tile.workgroups / rowTiles)));
    const splits = Math.ceil(tiles / tilesEach);
    const firstPart = parts;
    parts += splits * tile.parts;
    return { view, begin, end, tilesEach, splits, firstPart };
  });
  return {
    parts,
    launches: windows.map(({ view, begin, end, tilesEach, splits, firstPart }) => ({
      weight: view,
      constants: { ...tile.constants, Element: dtype },
      params: {
        ...{ depth, first_id: begin, ids: end - begin },
        ...{ quads_each: (tilesEach * tile.ids) / 4, parts, first_part: firstPart },
      },
      workgroups: spread(rowTiles * splits, 1),
    })),
  };
}
