import type { QuestionAnswer } from '../../data/annotations/question-answer.js';
import { temporalQuestions, temporalTraining } from '../../data/annotations/temporal-reasoning.js';
import { readJson } from '../../data/files/byte-source.js';
import type { OnRefused, QueryId } from '../../data/formats/json-record.js';
import { isObject } from '../../data/formats/safetensors-header.js';
import type { DatasetFolder, FoundFile } from '../dataset-folder.js';
import type { Layout, LayoutFile, LayoutQuery } from './layout.js';
import { splitFiles } from './split-files.js';

const FILE = /^(?:annot_)?(train|val|test)(?:_\w+)?\.json$/;

/** ActivityNet-RTL (LITA): questions that need reasoning, each with the span of its answer. The query is the question. */
export const rtl: Layout = {
  name: 'rtl',
  title: 'ActivityNet-RTL (LITA)',
  async looksLike(folder: DatasetFolder) {
    const files = await splitFiles(folder, FILE, isRtl);
    return files && { annotations: { layout: 'rtl', files } };
  },
  read,
};

/** Questions for training by video, or those for evaluation as a list. */
function isRtl(content: unknown): boolean {
  const [first] = Object.values(Object(content));
  const fields = Array.isArray(content) ? ['question_id', 'vid', 'question'] : ['duration', 'QA'];
  return isObject(first) && fields.every((name) => Object.hasOwn(first, name));
}

async function read({ path }: FoundFile, onRefused?: OnRefused): Promise<LayoutFile> {
  const questions: readonly (QuestionAnswer & { readonly id?: QueryId })[] = Array.isArray(
    await readJson(path),
  )
    ? await temporalQuestions(path, onRefused)
    : await temporalTraining(path, onRefused);
  const videos = new Map<string, { duration: number; queries: LayoutQuery[] }>();
  for (const { id, video, duration, question, spans } of questions) {
    const { queries } = videos.get(video) ?? videos.set(video, { duration, queries: [] }).get(video)!;
    queries.push({ id: id ?? `${video}/${queries.length}`, text: question, windows: spans });
  }
  return {
    videos: [...videos].map(([id, { duration, queries }]) => ({
      id,
      where: `${path}: ${id}`,
      duration,
      annotations: { queries },
    })),
  };
}
