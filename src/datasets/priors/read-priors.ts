import { checkArgument, path as pathRule } from '../../arguments.js';
import { toFloat32 } from '../../data/formats/array.js';
import { type JsonRecord, readJsonRecord } from '../../data/formats/json-record.js';
import { openSafetensors, type Safetensors } from '../../data/formats/safetensors.js';
import { FileFormatError, OptionError } from '../../errors.js';
import { nodeModule } from '../../node-module.js';
import type { DescribedSpan, PriorEmbeddings, Priors, VideoPriors } from './priors.js';

/** The name that the file of a data set's folder has. */
export const PRIORS_FILE = 'priors.json';

/**
 * Opens priors: a JSON file `{ VIDEO: { "events": [SPAN, …], "captions": [SPAN, …] }, … }`, a SPAN being `{ "text": TEXT, "start":
 * SECONDS, "end": SECONDS }`, and, where it is there, the safetensors file of the same name, with the embeddings of the texts as the
 * tensors `VIDEO/events` and `VIDEO/captions`, [texts, P] in f32 or f16. An empty list needs no tensor. Texts are in memory,
 * embeddings are read when they are asked for.
 * @param path of the JSON file
 * @throws FileAccessError; FileFormatError that names the video and the field: one that is missing, unknown or of another type, a span
 *   without length or before 0, a tensor that is missing or of another shape
 */
export async function openPriors(path: string): Promise<Priors> {
  checkArgument('openPriors', 'path', path, pathRule);
  if (!path.endsWith('.json'))
    throw new OptionError(`openPriors: path must be that of a .json file, not ${JSON.stringify(path)}`);
  const file = await readJsonRecord(path);
  if (file.names.length === 0) throw file.error('no video is in it');
  const texts = new Map(file.names.map((id) => [id, videoPriors(file.record(id))]));
  const stored = await embeddingsBeside(path);
  try {
    const channels = stored && checkEmbeddings(stored, texts);
    return {
      name: path,
      ids: [...texts.keys()],
      ...(channels !== undefined && { channels }),
      of(id) {
        const found = texts.get(id);
        if (!found || !stored) return found;
        return { ...found, embeddings: () => read(stored, id, found) };
      },
      close: async () => stored?.close(),
    };
  } catch (error) {
    await stored?.close();
    throw error;
  }
}

function videoPriors(record: JsonRecord): VideoPriors {
  record.checkNames('events', 'captions');
  const spans = (name: string) => record.records(name).map(describedSpan);
  return { events: spans('events'), captions: spans('captions') };
}

function describedSpan(record: JsonRecord): DescribedSpan {
  record.checkNames('text', 'start', 'end');
  const [start, end] = [record.number('start', 0), record.number('end', 0)];
  if (start >= end) throw record.error(`it starts at ${start}, and ends at ${end}: it has no length`);
  return { text: record.text('text'), segment: [start, end] };
}

/** The file of embeddings, where there is one. */
async function embeddingsBeside(path: string): Promise<Safetensors | undefined> {
  const { stat } = await nodeModule('node:fs/promises');
  const beside = path.replace(/\.json$/, '.safetensors');
  const exists = await stat(beside).then(
    () => true,
    () => false,
  );
  return exists ? openSafetensors(beside) : undefined;
}

const kinds = ['events', 'captions'] as const;

/** @returns P @throws FileFormatError */
function checkEmbeddings(stored: Safetensors, texts: ReadonlyMap<string, VideoPriors>): number {
  let channels: number | undefined;
  for (const [id, priors] of texts) {
    for (const kind of kinds) {
      const count = priors[kind].length;
      if (count === 0) continue;
      const name = `${id}/${kind}`;
      const tensor = stored.tensors.get(name);
      if (!tensor) throw new FileFormatError(`${stored.name} holds no tensor ${name}`);
      const { shape, dtype } = tensor;
      channels ??= shape[1];
      if (
        (dtype !== 'f32' && dtype !== 'f16') ||
        shape.length !== 2 ||
        shape[0] !== count ||
        shape[1] !== channels
      ) {
        throw new FileFormatError(
          `${stored.name}: ${name} must be [${count}, ${channels ?? 'P'}] in f32 or f16, not [${shape.join(', ')}] in ${tensor.storedDtype}`,
        );
      }
    }
  }
  if (channels === undefined) throw new FileFormatError(`${stored.name}: there is no text to be embedded`);
  return channels;
}

async function read(stored: Safetensors, id: string, priors: VideoPriors): Promise<PriorEmbeddings> {
  const [events, captions] = await Promise.all(
    kinds.map(async (kind) => {
      if (priors[kind].length === 0) return new Float32Array(0);
      const values = toFloat32(await stored.read(`${id}/${kind}`));
      if (values.every(Number.isFinite)) return values;
      throw new FileFormatError(`${stored.name}: ${id}/${kind} holds numbers that are not finite`);
    }),
  );
  return { events: events!, captions: captions! };
}
