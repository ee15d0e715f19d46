import { checkArgument, checkArguments, listOf, optional, path as pathRule, text } from '../arguments.js';
import { writeWhole } from '../data/files/output-file.js';
import { OptionError } from '../errors.js';
import type { Segment } from '../time/segment.js';
import { formatQueryId } from './layouts/elan.js';
import { VIA_TEXTS } from './layouts/via.js';
import { checkWritten, type WrittenVideo, writtenVideoRule } from './written-video.js';

/** Kinds of attributes, files and places of files in VIA 3. */
const [TEXT, SELECT, VIDEO, LOCAL] = [1, 4, 4, 1];
/** Where an attribute stands: with a span of time, or with a file. */
const [OF_SPAN, OF_FILE] = ['FILE1_Z2_XY0', 'FILE1_Z0_XY0'];
/** Attributes by their ids. */
const ID = { label: '1', caption: '2', query: '3', queryId: '4', queryKind: '5', whole: '6' } as const;

/**
 * Writes the annotations of videos as a project of VIA 3, which the layout `via` reads. It has what one of the videos has:
 * a video without segments, say, is read back with none where another has some. VIA itself drops the lengths of the videos.
 * @param path the file, `.json`
 * @param media what files the videos are, with `{id}` for their ids; default: `{id}.mp4`
 * @throws FileAccessError; OptionError where a video has something that VIA has no place for: scores of clips, a query
 *   about an excerpt or without a window
 */
export async function writeVia(
  path: string,
  videos: readonly WrittenVideo[],
  media = '{id}.mp4',
): Promise<void> {
  checkArguments('writeVia', { path, media }, { path: pathRule, media: optional(text) });
  checkArgument('writeVia', 'videos', videos, listOf(writtenVideoRule));
  if (!media.includes('{id}'))
    throw new OptionError(`writeVia: media is ${JSON.stringify(media)}, without {id}`);
  for (const [i, video] of videos.entries()) checkWritten('writeVia', `videos[${i}]`, video);
  const views = videos.map((video, i) => ({ ...video, view: String(i + 1) }));
  const files = views.map(({ id, duration, view }) => {
    const fname = media.replaceAll('{id}', id);
    return [view, { fid: view, fname, type: VIDEO, loc: LOCAL, src: fname, duration }];
  });
  const content = {
    project: {
      pid: '__VIA_PROJECT_ID__',
      rev: '__VIA_PROJECT_REV_ID__',
      rev_timestamp: '__VIA_PROJECT_REV_TIMESTAMP__',
      pname: 'annotations',
      creator: 'tal-webgpu',
      created: 0,
      data_format_version: '3.1.1',
      vid_list: views.map(({ view }) => view),
    },
    config: { file: { loc_prefix: { 1: '', 2: '', 3: '', 4: '' } } },
    attribute: attributesOf(videos),
    file: Object.fromEntries(files),
    view: Object.fromEntries(views.map(({ view }) => [view, { fid_list: [view] }])),
    metadata: Object.fromEntries(
      views.flatMap((video) => metadataOf(video).map((one, i) => [`${video.view}_${i + 1}`, one])),
    ),
  };
  await writeWhole(path, `${JSON.stringify(content, null, 1)}\n`);
}

function attributesOf(videos: readonly WrittenVideo[]): object {
  const has = (name: keyof WrittenVideo['annotations']) =>
    videos.some(({ annotations }) => annotations[name]);
  const attribute = (
    aname: string,
    type: number | undefined,
    labels: readonly string[],
    anchor = OF_SPAN,
  ) => ({
    aname,
    anchor_id: anchor,
    type,
    desc: '',
    options: Object.fromEntries([...new Set(labels)].map((label) => [label, label])),
    default_option_id: '',
  });
  const { caption, query, id, kind } = VIA_TEXTS;
  const segments = videos.flatMap(({ annotations }) => annotations.segments ?? []);
  const whole = videos.flatMap(({ annotations }) => annotations.labels ?? []);
  return {
    ...(has('segments') && {
      [ID.label]: attribute(
        'label',
        SELECT,
        segments.map(({ label }) => label),
      ),
    }),
    ...(has('captions') && { [ID.caption]: attribute(caption, TEXT, []) }),
    ...(has('queries') && {
      [ID.query]: attribute(query, TEXT, []),
      [ID.queryId]: attribute(id, TEXT, []),
      [ID.queryKind]: attribute(kind, TEXT, []),
    }),
    ...(has('labels') && { [ID.whole]: attribute('class', SELECT, whole, OF_FILE) }),
  };
}

function metadataOf({ view, annotations }: WrittenVideo & { readonly view: string }) {
  const { segments = [], captions = [], queries = [], labels = [] } = annotations;
  const one = (z: Segment | [], av: Readonly<Record<string, string>>) => ({
    vid: view,
    flg: 0,
    z,
    xy: [],
    av,
  });
  return [
    ...segments.map(({ label, segment }) => one(segment, { [ID.label]: label })),
    ...captions.map(({ text, segment }) => one(segment, { [ID.caption]: text })),
    ...queries.flatMap(({ id, text, windows, kind }) =>
      windows.map((window) =>
        one(window, {
          [ID.query]: text,
          [ID.queryId]: formatQueryId(id),
          ...(kind !== '' && { [ID.queryKind]: kind }),
        }),
      ),
    ),
    ...labels.map((label) => one([], { [ID.whole]: label })),
  ];
}
