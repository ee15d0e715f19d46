import { type ElanAnnotation, type ElanTier, readElanDocument } from '../../data/annotations/elan.js';
import type { QueryId } from '../../data/formats/json-record.js';
import { FileFormatError } from '../../errors.js';
import type { Segment } from '../../time/segment.js';
import type { DatasetFolder, FoundFile } from '../dataset-folder.js';
import { joinWindows } from './join-windows.js';
import type { Layout, LayoutFile } from './layout.js';

const ENDING = '.eaf';
/** Property of the header with the length of the video in seconds; ELAN keeps it, and has none of its own. */
export const DURATION = 'duration';
/** What is in tiers of these names; all others hold labelled segments. A number after the name makes room for overlaps. */
const KINDS = ['captions', 'queries', 'labels'] as const;
/** Tiers below a tier of queries. */
export const QUERY_ID = 'id';
export const QUERY_KIND = 'kind';

/**
 * ELAN, a file for each video. The tiers `captions`, `queries` and `labels` (of the whole video) hold what they say; the
 * annotations of other tiers are labelled segments.
 */
export const elan: Layout = {
  name: 'elan',
  title: 'ELAN (.eaf), a file for each video',
  async looksLike({ names }: DatasetFolder) {
    if (!names.some((name) => name.endsWith(ENDING) && name.length > ENDING.length)) return undefined;
    return { annotations: { layout: 'elan', files: `{id}${ENDING}` } };
  },
  read,
};

async function read({ path, id }: FoundFile): Promise<LayoutFile> {
  const { tiers, properties, where } = await readElanDocument(path);
  // Tiers below tiers of queries hold their ids and kinds.
  const queryTiers = tiers.filter((tier) => kindOf(tier.name) === 'queries' && tier.parents.size === 0);
  const isBelow = ({ name }: ElanTier) =>
    queryTiers.some((parent) => [QUERY_ID, QUERY_KIND].some((kind) => name === `${parent.name} ${kind}`));
  const own = tiers.filter((tier) => !isBelow(tier));
  const of = (kind: string | undefined) => own.filter((tier) => kindOf(tier.name) === kind);
  const texts = (kind: string | undefined) =>
    of(kind).flatMap(({ annotations }) =>
      annotations.map((one) => ({ text: textOf(one), segment: segmentOf(one) })),
    );
  const video = id ?? path.replace(/^.*[\\/]/, '').slice(0, -ENDING.length);
  const has = (kind: string | undefined) => of(kind).length > 0;
  return {
    videos: [
      {
        id: video,
        where,
        ...durationOf(properties.get(DURATION), where),
        annotations: {
          ...(has(undefined) && {
            segments: texts(undefined).map(({ text, segment }) => ({ label: text, segment })),
          }),
          ...(has('captions') && { captions: texts('captions') }),
          ...(has('queries') && { queries: queriesOf(video, queryTiers, tiers) }),
          ...(has('labels') && { labels: [...new Set(texts('labels').map(({ text }) => text))] }),
        },
      },
    ],
  };
}

/** What a tier holds; undefined where labelled segments. */
const kindOf = (name: string): (typeof KINDS)[number] | undefined =>
  KINDS.find((kind) => new RegExp(`^${kind}( \\d+)?$`, 'i').test(name.trim()));

function textOf({ value, where, id }: ElanAnnotation): string {
  if (value === '') throw new FileFormatError(`${where}: the annotation ${id} has no text`);
  return value;
}

const segmentOf = ({ start, end }: ElanAnnotation): Segment => [start / 1000, end / 1000];

function durationOf(property: string | undefined, where: string): { readonly duration?: number } {
  if (property === undefined) return {};
  const duration = property.trim() === '' ? Number.NaN : Number(property);
  if (!(Number.isFinite(duration) && duration > 0))
    throw new FileFormatError(
      `${where}: the property ${DURATION} is ${JSON.stringify(property)}, not seconds`,
    );
  return { duration };
}

function queriesOf(video: string, own: readonly ElanTier[], tiers: readonly ElanTier[]) {
  /** The text below an annotation of a tier. */
  const below = (tier: ElanTier, kind: string) => {
    const texts = new Map<string, string>();
    const other = tiers.find(({ name }) => name === `${tier.name} ${kind}`);
    for (const { id, value } of other?.annotations ?? []) {
      const parent = other!.parents.get(id);
      if (parent !== undefined) texts.set(parent, value);
    }
    return texts;
  };
  return joinWindows(
    video,
    own.flatMap((tier) => {
      const [ids, kinds] = [below(tier, QUERY_ID), below(tier, QUERY_KIND)];
      return tier.annotations.map((one) => {
        const [id, kind] = [ids.get(one.id), kinds.get(one.id)];
        return {
          text: textOf(one),
          window: segmentOf(one),
          where: one.where,
          ...(id !== undefined && { id: parseQueryId(id) }),
          ...(kind !== undefined && { kind }),
        };
      });
    }),
  );
}

/** The id of a query in a text: an integer is one, anything else is a string, in quotes where it looks like one. */
export function parseQueryId(text: string): QueryId {
  if (/^-?\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  return /^"(.*)"$/s.exec(text)?.[1] ?? text;
}

/** The text that `parseQueryId` reads. */
export function formatQueryId(id: QueryId): string {
  if (typeof id === 'number') return String(id);
  return parseQueryId(id) === id ? id : `"${id}"`;
}
