import { join } from 'node:path';
import { type MomentQuery, readMomentQueries } from '../../data/annotations/moment-queries.js';
import { readJson } from '../../data/files/byte-source.js';
import { writeWhole } from '../../data/files/output-file.js';
import { openRecordings, type Recordings } from '../../data/formats/recordings.js';
import { wordsOf } from '../../data/text/words.js';
import { FileFormatError } from '../../errors.js';
import type { JudgedMoment } from '../../evaluation/moments.js';
import { recallTable } from '../../evaluation/recall-table.js';
import { type PriorGuess, WindowPrior } from '../../evaluation/window-prior.js';
import { loadMapDiffusion } from '../../models/map-diffusion/model-folder.js';
import { RecordingExamples } from '../../models/map-diffusion/recording-examples.js';
import { Runtime } from '../../tensor/runtime.js';
import type { ScoredSegment } from '../../time/segment.js';
import { localizeWithProgress, type SamplingOptions } from '../shared/localize-with-progress.js';
import { checkOutputs } from '../shared/outputs.js';
import { type AnsweringOptions, answerTable, answerWithProgress } from './evaluate-mdvlm.js';

export interface EvaluateModelOptions extends SamplingOptions, AnsweringOptions {
  readonly data: string;
  readonly split: string;
  readonly json?: string;
  readonly predictions?: string;
}

export type Recalls = Readonly<Record<string, number>>;

/** Metrics of moments found for queries. */
type Table = (queries: readonly MomentQuery[], found: readonly ScoredSegment[][]) => Recalls;

/** `tal evaluate model`: a trained model on the queries of a folder of recordings. @returns its recalls, in per cent */
export async function evaluateModel(options: EvaluateModelOptions): Promise<Recalls | undefined> {
  await checkOutputs(
    { '--json': options.json, '--predictions': options.predictions },
    { '--model': options.model, '--data': options.data },
  );
  const recordings = await openRecordings(options.data);
  const path = join(options.data, `queries-${options.split}.jsonl`);
  const queries = await readMomentQueries(path, recordings.byName);
  const blind = queries.find(({ windows }) => windows.length === 0);
  if (queries.length === 0 || (blind && options.predictions === undefined)) {
    throw new FileFormatError(
      queries.length === 0
        ? `${path} holds no query`
        : `${path}: query ${blind?.qid} has no relevant_windows`,
    );
  }
  const answering = (await kindOf(options.model)) === 'signal-mdvlm';
  const runtime = await Runtime.create();
  try {
    const found = answering
      ? await answerWithProgress(runtime, recordings, queries, options)
      : await localizeQueries(runtime, recordings, queries, options);
    if (options.predictions !== undefined) await writePredictions(options.predictions, queries, found);
    if (blind) return undefined;
    const tableOf: Table = answering ? answerTable : (queries, found) => recallTable(judged(queries, found));
    const prior = await loadPrior(options.model);
    const guessed = queries.map(({ query }) => {
      const segment = prior?.predict(wordsOf(query));
      return segment ? [{ segment, score: 1 }] : [];
    });
    const recalls = tableOf(queries, found);
    const ofPrior = prior && { ...tableOf(queries, guessed), kinds: byKind(tableOf, queries, guessed) };
    const table = {
      ...recalls,
      kinds: byKind(tableOf, queries, found),
      ...(ofPrior && { prior: ofPrior }),
    };
    print(queries, table);
    if (options.json !== undefined) {
      await writeWhole(options.json, `${JSON.stringify(table, null, 2)}\n`);
      console.log(`metrics written to ${options.json}`);
    }
    return recalls;
  } finally {
    runtime.destroy();
  }
}

function judged(queries: readonly MomentQuery[], found: readonly ScoredSegment[][]): JudgedMoment[] {
  return queries.map(({ windows }, i) => ({ predicted: found[i]!, truths: windows }));
}

function byKind(
  tableOf: Table,
  queries: readonly MomentQuery[],
  found: readonly ScoredSegment[][],
): Record<string, Recalls> {
  const kinds = [...new Set(queries.map(({ kind }) => kind))].filter(Boolean).sort();
  return Object.fromEntries(
    kinds.map((kind) => {
      const chosen = [...queries.keys()].filter((i) => queries[i]!.kind === kind);
      return [
        kind,
        tableOf(
          chosen.map((i) => queries[i]!),
          chosen.map((i) => found[i]!),
        ),
      ];
    }),
  );
}

/** The ranked moments of a map-diffusion model. */
async function localizeQueries(
  runtime: Runtime,
  recordings: Recordings,
  queries: readonly MomentQuery[],
  options: EvaluateModelOptions,
): Promise<ScoredSegment[][]> {
  const loaded = await loadMapDiffusion(runtime, options.model);
  const { model, words } = loaded;
  const data = new RecordingExamples(model.config, recordings, queries, words);
  if (data.unknownWords.length > 0) {
    console.error(`words without a vector, which the model cannot know: ${data.unknownWords.join(', ')}`);
  }
  return localizeWithProgress(loaded, data, options);
}

/** Which model a folder holds, as far as its `config.json` says. */
async function kindOf(folder: string): Promise<unknown> {
  const file = (await readJson(join(folder, 'config.json'))) as { readonly kind?: unknown } | null;
  return file?.kind;
}

/** The prior that was stored with the model, if one was. */
async function loadPrior(folder: string): Promise<WindowPrior | undefined> {
  const stored = await readJson(join(folder, 'prior.json')).catch(() => undefined);
  return Array.isArray(stored) ? new WindowPrior(stored as PriorGuess[]) : undefined;
}

function print(
  queries: readonly MomentQuery[],
  { kinds, prior, ...all }: { kinds: Record<string, Recalls>; prior?: unknown },
): void {
  const { kinds: priorKinds, ...priorAll } = (prior ?? {}) as { kinds?: Record<string, Recalls> };
  const rows: [string, Recalls][] = [
    [`model, ${queries.length} queries`, all as Recalls],
    ...Object.entries(kinds).map(([kind, recalls]): [string, Recalls] => [`  ${kind}`, recalls]),
  ];
  if (priorKinds) {
    rows.push(['prior of the words alone', priorAll as Recalls]);
    for (const [kind, recalls] of Object.entries(priorKinds)) rows.push([`  ${kind}`, recalls]);
  }
  const names = Object.keys(all);
  const width = Math.max(...rows.map(([label]) => label.length));
  console.log(`${'in per cent'.padEnd(width)}  ${names.map((name) => name.padStart(7)).join('')}`);
  for (const [label, recalls] of rows) {
    console.log(
      `${label.padEnd(width)}  ${names.map((name) => recalls[name]!.toFixed(1).padStart(7)).join('')}`,
    );
  }
}

/** In QVHighlights' format, as `tal evaluate moments` reads it. */
async function writePredictions(
  path: string,
  queries: readonly MomentQuery[],
  found: readonly ScoredSegment[][],
): Promise<void> {
  const lines = queries.map(({ qid, query, vid }, i) => {
    const windows = found[i]!.map(({ segment: [start, end], score }) => [start, end, score]);
    return JSON.stringify({ qid, query, vid, pred_relevant_windows: windows });
  });
  await writeWhole(path, `${lines.join('\n')}\n`);
  console.log(`moments written to ${path}`);
}
