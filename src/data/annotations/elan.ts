import { formatXml, readXml, type XmlContent, type XmlElement } from '../formats/xml.js';

/** An annotation of ELAN; times in milliseconds. */
export interface ElanAnnotation {
  readonly id: string;
  readonly start: number;
  readonly end: number;
  readonly value: string;
  /** File and line. */
  readonly where: string;
}

export interface ElanTier {
  readonly name: string;
  readonly annotations: readonly ElanAnnotation[];
  /** Of a tier whose annotations each belong to one of another tier: the id of that one, by the id of its own. */
  readonly parents: ReadonlyMap<string, string>;
}

/** What of an ELAN file is read. */
export interface ElanDocument {
  readonly where: string;
  readonly properties: ReadonlyMap<string, string>;
  readonly tiers: readonly ElanTier[];
}

/**
 * Reads an ELAN file (EAF 2 and 3). A time slot without a time lies evenly between its neighbours; an annotation that
 * refers to another has the times of that one.
 * @throws FileAccessError where it cannot be read; FileFormatError with the line where it is not well-formed XML, times
 *   are not in milliseconds, an annotation refers to what there is not, or ends before it starts
 */
export async function readElanDocument(path: string): Promise<ElanDocument> {
  const root = await readXml(path);
  if (root.name !== 'ANNOTATION_DOCUMENT')
    throw root.error(`the root is ${root.name}, not ANNOTATION_DOCUMENT`);
  const header = root.only('HEADER');
  const units = header.optional('TIME_UNITS') ?? 'milliseconds';
  if (units !== 'milliseconds')
    throw header.error(`TIME_UNITS is ${JSON.stringify(units)}, only milliseconds are read`);
  const properties = new Map(header.all('PROPERTY').map((one) => [one.attribute('NAME'), one.text]));
  const times = timesOf(root.only('TIME_ORDER'));
  const annotations = new Map<string, ElanAnnotation>();
  const read = readTier(times, annotations);
  // A tier may come before the one that it refers to.
  const tiers = root.all('TIER').map((tier) => ({ tier, aligned: alignedOf(tier) }));
  for (const { aligned } of tiers) for (const one of aligned) read.aligned(one);
  const referring = tiers.flatMap(({ tier }) => referringOf(tier));
  read.referring(referring);
  return {
    where: root.where,
    properties,
    tiers: tiers.map(({ tier, aligned }) => {
      const references = referringOf(tier);
      return {
        name: tier.attribute('TIER_ID'),
        annotations: [...aligned, ...references].map(
          (one) => annotations.get(one.attribute('ANNOTATION_ID'))!,
        ),
        parents: new Map(
          references.map((one) => [one.attribute('ANNOTATION_ID'), one.attribute('ANNOTATION_REF')]),
        ),
      };
    }),
  };
}

const ofKind = (kind: string) => (tier: XmlElement) =>
  tier.all('ANNOTATION').flatMap((annotation) => annotation.all(kind));
const alignedOf = ofKind('ALIGNABLE_ANNOTATION');
const referringOf = ofKind('REF_ANNOTATION');

/** Milliseconds by time slot. */
function timesOf(order: XmlElement): Map<string, number> {
  const slots = order.all('TIME_SLOT').map((slot) => ({
    slot,
    id: slot.attribute('TIME_SLOT_ID'),
    time: slot.optional('TIME_VALUE') === undefined ? undefined : slot.integer('TIME_VALUE'),
  }));
  const times = new Map<string, number>();
  let before = -1;
  for (const [i, { slot, id, time }] of slots.entries()) {
    if (times.has(id)) throw slot.error(`the TIME_SLOT_ID ${id} is there twice`);
    if (time !== undefined) {
      times.set(id, time);
      before = i;
      continue;
    }
    const after = slots.findIndex((one, at) => at > i && one.time !== undefined);
    const [from, to] = [slots[before]?.time, slots[after]?.time];
    if (from === undefined || to === undefined)
      throw slot.error(`${id} has no TIME_VALUE, nor one before and one after it`);
    times.set(id, Math.round(from + ((to - from) * (i - before)) / (after - before)));
  }
  return times;
}

/** How annotations are read, in the two kinds that there are. */
function readTier(times: ReadonlyMap<string, number>, annotations: Map<string, ElanAnnotation>) {
  const add = (element: XmlElement, [start, end]: readonly [number, number]): void => {
    const id = element.attribute('ANNOTATION_ID');
    if (annotations.has(id)) throw element.error(`the ANNOTATION_ID ${id} is there twice`);
    const value = element.only('ANNOTATION_VALUE').text.trim();
    annotations.set(id, { id, start, end, value, where: element.where });
  };
  return {
    aligned(element: XmlElement): void {
      const [start, end] = ['TIME_SLOT_REF1', 'TIME_SLOT_REF2'].map((name) => {
        const time = times.get(element.attribute(name));
        if (time === undefined)
          throw element.error(`${name} is ${element.attribute(name)}, which is no time slot`);
        return time;
      });
      if (start! > end!) throw element.error(`it starts at ${start} ms, after its end at ${end} ms`);
      add(element, [start!, end!]);
    },
    /** One may refer to another that refers to one with times, in any order. */
    referring(elements: readonly XmlElement[]): void {
      let left = elements;
      while (left.length > 0) {
        const later: XmlElement[] = [];
        for (const element of left) {
          const parent = annotations.get(element.attribute('ANNOTATION_REF'));
          if (parent) add(element, [parent.start, parent.end]);
          else later.push(element);
        }
        if (later.length === left.length) {
          const [first] = later as [XmlElement];
          throw first.error(
            `ANNOTATION_REF is ${first.attribute('ANNOTATION_REF')}, which is no annotation with times`,
          );
        }
        left = later;
      }
    },
  };
}

/** A tier to write. Its annotations do not overlap. */
export interface WrittenTier {
  readonly name: string;
  readonly annotations: readonly {
    readonly start: number;
    readonly end: number;
    readonly value: string;
    /** Texts of tiers below this one that belong to the annotation, by what they are. */
    readonly below?: Readonly<Record<string, string>>;
  }[];
}

/**
 * The text of an ELAN file (EAF 3.0).
 * @param media path or URL of the video
 */
export function formatElan(
  tiers: readonly WrittenTier[],
  properties: Readonly<Record<string, string>>,
  media: string | undefined,
): string {
  const slots: XmlContent[] = [];
  const slot = (time: number): string => {
    const id = `ts${slots.length + 1}`;
    slots.push({ name: 'TIME_SLOT', attributes: { TIME_SLOT_ID: id, TIME_VALUE: time } });
    return id;
  };
  let count = 0;
  const written: XmlContent[] = [];
  for (const { name, annotations } of tiers) {
    const below = new Map<string, XmlContent[]>();
    const content = annotations.map(({ start, end, value, below: texts = {} }): XmlContent => {
      const id = `a${++count}`;
      for (const [kind, text] of Object.entries(texts)) {
        const held = below.get(kind) ?? below.set(kind, []).get(kind)!;
        held.push(annotation('REF_ANNOTATION', { ANNOTATION_ID: `a${++count}`, ANNOTATION_REF: id }, text));
      }
      return annotation(
        'ALIGNABLE_ANNOTATION',
        { ANNOTATION_ID: id, TIME_SLOT_REF1: slot(start), TIME_SLOT_REF2: slot(end) },
        value,
      );
    });
    written.push({ name: 'TIER', attributes: { LINGUISTIC_TYPE_REF: ALIGNED, TIER_ID: name }, content });
    for (const [kind, refs] of below)
      written.push({
        name: 'TIER',
        attributes: { LINGUISTIC_TYPE_REF: BELOW, PARENT_REF: name, TIER_ID: `${name} ${kind}` },
        content: refs,
      });
  }
  return formatXml({
    name: 'ANNOTATION_DOCUMENT',
    attributes: {
      AUTHOR: '',
      DATE: '1970-01-01T00:00:00Z',
      FORMAT: '3.0',
      VERSION: '3.0',
      'xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
      'xsi:noNamespaceSchemaLocation': 'http://www.mpi.nl/tools/elan/EAFv3.0.xsd',
    },
    content: [
      {
        name: 'HEADER',
        attributes: { MEDIA_FILE: '', TIME_UNITS: 'milliseconds' },
        content: [
          ...(media === undefined
            ? []
            : [{ name: 'MEDIA_DESCRIPTOR', attributes: { MEDIA_URL: media, MIME_TYPE: 'video/*' } }]),
          ...Object.entries(properties).map(([NAME, content]) => ({
            name: 'PROPERTY',
            attributes: { NAME },
            content,
          })),
        ],
      },
      { name: 'TIME_ORDER', content: slots },
      ...written,
      {
        name: 'LINGUISTIC_TYPE',
        attributes: { LINGUISTIC_TYPE_ID: ALIGNED, TIME_ALIGNABLE: true, GRAPHIC_REFERENCES: false },
      },
      {
        name: 'LINGUISTIC_TYPE',
        attributes: {
          LINGUISTIC_TYPE_ID: BELOW,
          TIME_ALIGNABLE: false,
          GRAPHIC_REFERENCES: false,
          CONSTRAINTS: 'Symbolic_Association',
        },
      },
      {
        name: 'CONSTRAINT',
        attributes: {
          STEREOTYPE: 'Symbolic_Association',
          DESCRIPTION: '1-1 association with a parent annotation',
        },
      },
    ],
  });
}

const ALIGNED = 'aligned';
const BELOW = 'association';

const annotation = (
  name: string,
  attributes: Readonly<Record<string, string>>,
  value: string,
): XmlContent => ({
  name: 'ANNOTATION',
  content: [{ name, attributes, content: [{ name: 'ANNOTATION_VALUE', content: value }] }],
});
