import { nearest } from '../arguments.js';
import type { JsonRecord } from '../data/formats/json-record.js';
import { type FeatureSource, ID, readFeatureSource, staysInside } from './features/feature-source.js';

/** What `dataset.json` says of the folder that it is in. Paths start from the folder, with `/`, and stay in it. */
export interface DatasetFile {
  /** Default: the name of the folder. */
  readonly name?: string;
  /** Default: `{ "layout": "tal", "files": "annotations.json" }`. */
  readonly annotations?: AnnotationFiles;
  readonly features?: FeatureSource;
  /** The video of each item, such as `videos/{id}.mp4`. */
  readonly videos?: string;
  /** Word vectors that go with the queries, a file that `loadWordVectors` reads. */
  readonly words?: string;
  /** Names of the classes in their order. Default: those of the annotations' layout, or else all labels, sorted. */
  readonly classes?: readonly string[];
}

/** The annotations of a data set. */
export interface AnnotationFiles {
  /** How the files are laid out: a name of `datasetLayouts`. */
  readonly layout: string;
  /**
   * One file with all videos, or files by split, one or several each. In a name, `{id}` stands for the id of a video
   * where each video has a file of its own (`annotations/{id}.eaf`).
   */
  readonly files: string | SplitFiles;
  /**
   * Lengths of the videos, where the files lack them: `.json` of seconds by id, or of objects with `duration`,
   * `duration_second` or `length` by id; or `.csv` with the columns `video` or `id`, and `duration` or `length`.
   */
  readonly durations?: string;
  /** Which video is in which split, where `files` does not say: `.json` of lists of ids by split, or by domain and split. */
  readonly splits?: string;
}

/** Files by split. */
export type SplitFiles = Readonly<Record<string, string | readonly string[]>>;

/**
 * What a `dataset.json` holds. `$schema` is allowed and means nothing here.
 * @param layouts names that `annotations.layout` may be
 * @throws FileFormatError that names the field
 */
export function readDatasetFile(record: JsonRecord, layouts: readonly string[]): DatasetFile {
  record.checkNames('$schema', 'name', 'annotations', 'features', 'videos', 'words', 'classes');
  const given = (name: string) => !record.absent(name);
  return {
    ...(given('name') && { name: record.text('name') }),
    ...(given('annotations') && { annotations: readAnnotationFiles(record.record('annotations'), layouts) }),
    ...(given('features') && { features: readFeatureSource(record.record('features')) }),
    ...(given('videos') && { videos: videosOf(record) }),
    ...(given('words') && { words: checkedPath(record, 'words', record.text('words'), '') }),
    ...(given('classes') && { classes: classesOf(record) }),
  };
}

function readAnnotationFiles(record: JsonRecord, layouts: readonly string[]): AnnotationFiles {
  record.checkNames('layout', 'files', 'durations', 'splits');
  const layout = record.text('layout');
  if (!layouts.includes(layout)) {
    const near = nearest(layout, layouts);
    throw record.error(
      `layout is ${JSON.stringify(layout)}${near === undefined ? '' : `, did you mean ${near}?`} ` +
        `(layouts: ${layouts.join(', ')})`,
    );
  }
  return {
    layout,
    files: filesOf(record),
    ...(!record.absent('durations') && {
      durations: checkedPath(record, 'durations', record.text('durations'), '.json .csv'),
    }),
    ...(!record.absent('splits') && {
      splits: checkedPath(record, 'splits', record.text('splits'), '.json'),
    }),
  };
}

function filesOf(record: JsonRecord): string | SplitFiles {
  const value = record.value('files');
  if (typeof value === 'string') return checkedTemplate(record, 'files', record.text('files'));
  const files = record.record('files');
  if (files.names.length === 0) throw files.error('names no split');
  return Object.fromEntries(
    files.names.map((split) => {
      if (split.trim() === '') throw files.error('the name of a split is blank');
      if (typeof files.value(split) === 'string')
        return [split, checkedTemplate(files, split, files.text(split))];
      const paths = files.texts(split);
      if (paths.length === 0) throw files.error(`${split} names no file`);
      return [split, paths.map((path) => checkedTemplate(files, split, path))];
    }),
  );
}

function videosOf(record: JsonRecord): string {
  const path = checkedTemplate(record, 'videos', record.text('videos'));
  if (!path.includes(ID)) throw record.error(`videos is ${JSON.stringify(path)}, without ${ID}`);
  return path;
}

function classesOf(record: JsonRecord): readonly string[] {
  const classes = record.texts('classes');
  if (new Set(classes).size !== classes.length) throw record.error('classes holds a name twice');
  if (classes.some((name) => name.trim() === '')) throw record.error('classes holds a blank name');
  return classes;
}

function checkedTemplate(record: JsonRecord, name: string, path: string): string {
  const strange = path.replaceAll(ID, '').match(/[{}]/)?.[0];
  if (strange) throw record.error(`${name} is ${JSON.stringify(path)}: only ${ID} is replaced`);
  return inside(record, name, path);
}

/** A path without `{id}` that ends in one of `extensions`; any where there are none. */
function checkedPath(record: JsonRecord, name: string, path: string, extensions: string): string {
  const wanted = extensions.split(' ');
  if (!wanted.some((extension) => path.toLowerCase().endsWith(extension)))
    throw record.error(`${name} is ${JSON.stringify(path)}, not a file that ends in ${wanted.join(' or ')}`);
  if (/[{}]/.test(path))
    throw record.error(`${name} is ${JSON.stringify(path)}: it is one file, without ${ID}`);
  return inside(record, name, path);
}

function inside(record: JsonRecord, name: string, path: string): string {
  if (!staysInside(path))
    throw record.error(
      `${name} is ${JSON.stringify(path)}: it must be a path in the folder of the data set, with /`,
    );
  return path;
}
