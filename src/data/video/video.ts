import type { Input, InputAudioTrack, InputFormat, InputVideoTrack, VideoSample } from 'mediabunny';
import {
  checkArgument,
  checkArguments,
  either,
  instanceOf,
  listOf,
  number,
  path as pathRule,
  text,
} from '../../arguments.js';
import { FeatureError, FileFormatError, ReleasedError, TalError } from '../../errors.js';
import { type ByteSource, bytesSource, openSource } from '../files/byte-source.js';
import { decodeFrames } from './decode-frames.js';
import { type EditList, readEditLists } from './edit-list.js';
import { checkFrameShape, checkRate, type FrameShape, frameCount } from './frame.js';
import { type ColourCoding, convertible, planesToRgba } from './frame-colours.js';
import { frameIndex } from './frame-index.js';
import { checkMatroskaSize } from './matroska-size.js';
import { type ShownFrame, shownFrames } from './presentation.js';
import { frameResizer, type Orientation, turnFrame } from './resize-frame.js';
import { stayAlive, type VideoLibrary, videoLibrary } from './video-library.js';

export interface TimedFrame {
  /** When it begins to be shown, or the time that was asked for, in seconds of the video. */
  readonly seconds: number;
  /** `height` x `width` x `channels` bytes. */
  readonly pixels: Uint8Array;
}

/** A frame as it is in the file, upright: `height` x `width` x 4 bytes, red, green, blue and alpha (always 255). */
export interface Picture extends TimedFrame {
  /** In pixels of the file, of this frame: the size may change within a video, and pixels need not be square. */
  readonly width: number;
  readonly height: number;
}

/**
 * An open video file. Close it after use.
 *
 * Times are those of a player, in seconds. 0 is the start of the presentation: an edit list is applied, what it cuts off
 * is never seen, and a picture track may begin later than the sound. Before the first frame begins, the first frame is
 * given.
 *
 * Colours are converted with the matrix (BT.601, BT.709, BT.2020 with non-constant luminance) and the range that the
 * container names (`colr` of MP4, `Colour` of Matroska), else the video stream, as ISO/IEC 14496-12 and WebCodecs have
 * it; else BT.601 and the limited range, as FFmpeg's swscale has it. Primaries and transfer function are not converted,
 * and alpha is ignored.
 */
export interface Video {
  /** Seconds that a player shows, to the end of the last track, sound included. */
  readonly duration: number;
  /** In pixels, as a player shows the first frames: upright, with square pixels. */
  readonly width: number;
  readonly height: number;
  /**
   * Decodes frame after frame, each resized as a whole to the shape; proportions are not kept.
   * @param rate frames a second: what is shown at 0, 1 / rate, …, `frameCount(duration, rate)` in all. Without it
   *   every frame that is shown is given, once
   * @throws FileFormatError where the file is damaged, OptionError where shape or rate are out of range, ReleasedError
   *   after `close`
   */
  frames(shape: FrameShape, rate?: number): AsyncGenerator<TimedFrame, void, void>;
  /**
   * When each frame begins to be shown, in seconds, in order. Decodes nothing.
   * @throws FileFormatError where the file is damaged, ReleasedError after `close`
   */
  frameTimes(): Promise<number[]>;
  /**
   * Decodes what is shown at these times, one picture for each.
   * @param seconds in any order; fastest in rising order
   * @throws FileFormatError where the file is damaged, OptionError where a time is not a number, ReleasedError after
   *   `close`
   */
  pictures(seconds: readonly number[]): AsyncGenerator<Picture, void, void>;
  close(): Promise<void>;
}

/** A frame that begins this much later than asked for is still the one meant: times in files are rounded. */
const ROUNDING = 5e-4;

const EXPECTED = 'expected a whole MP4, QuickTime, WebM, Matroska or MPEG-TS file';

/**
 * Opens a video file: MP4, QuickTime, WebM, Matroska and what else mediabunny reads.
 * @param file a path, or the bytes of the file
 * @param name of the file in messages, where its bytes are given
 * @throws FileAccessError where it cannot be read; FileFormatError where it is empty, not a video, cut short, damaged or
 *   without duration; FeatureError where its codec cannot be decoded here; MissingPackageError where mediabunny or
 *   @napi-rs/webcodecs are not installed; OptionError where `file` is neither a path nor bytes
 */
export async function openVideo(file: string | Uint8Array, name = 'the video'): Promise<Video> {
  checkArguments(
    'openVideo',
    { file, name },
    { file: either(pathRule, instanceOf(Uint8Array, 'the bytes of a file')), name: text },
  );
  const library = await videoLibrary();
  const source = typeof file === 'string' ? await openSource(file) : bytesSource(file, name);
  let input: Input | undefined;
  const close = async () => {
    input?.dispose();
    await source.close();
  };
  const awake = stayAlive();
  try {
    if (source.size === 0) throw new FileFormatError(`${source.name} is empty: ${EXPECTED}`);
    input = openInput(library, source);
    const format = await formatOf(input, source.name);
    let lists = new Map<number, EditList>();
    if (format instanceof library.IsobmffInputFormat) lists = await readEditLists(source);
    if (format instanceof library.MatroskaInputFormat) await checkMatroskaSize(source);
    const track = await videoTrack(input, source.name);
    return await openTrack({ library, input, track, lists, name: source.name, close });
  } catch (error) {
    await close();
    throw readable(error, source.name);
  } finally {
    awake();
  }
}

function openInput({ ALL_FORMATS, CustomSource, HLS, Input }: VideoLibrary, source: ByteSource): Input {
  return new Input({
    // A playlist names other files.
    formats: ALL_FORMATS.filter((format) => format !== HLS),
    source: new CustomSource({
      getSize: () => source.size,
      read: (start, end) => source.read(start, end - start),
    }),
  });
}

async function formatOf(input: Input, name: string): Promise<InputFormat> {
  try {
    return await input.getFormat();
  } catch (cause) {
    if (cause instanceof TalError) throw cause;
    throw new FileFormatError(`${name} is not a video file: ${EXPECTED}`, { cause });
  }
}

async function videoTrack(input: Input, name: string): Promise<InputVideoTrack> {
  const track = await input.getPrimaryVideoTrack();
  if (!track) {
    throw new FileFormatError(
      `${name} holds no pictures: no video track that can be read is in it; ${EXPECTED}`,
    );
  }
  if (!(await track.canDecode())) {
    const codec = (await track.getCodec()) ?? (await track.getInternalCodecId());
    throw new FeatureError(`${name} is coded as ${codec}, which cannot be decoded here`);
  }
  return track;
}

interface OpenTrack {
  readonly library: VideoLibrary;
  readonly input: Input;
  readonly track: InputVideoTrack;
  readonly lists: ReadonlyMap<number, EditList>;
  readonly name: string;
  readonly close: () => Promise<void>;
}

async function openTrack({ library, input, track, lists, name, close }: OpenTrack): Promise<Video> {
  const codec = await track.getCodec();
  const colours: ColourCoding = (await track.getDecoderConfig())?.colorSpace ?? {};
  const list = lists.get(track.id);
  const start = await clockStart(library, input, lists);
  const duration = (await endOf(input, track, lists)) - start;
  if (!(duration > 0)) throw new FileFormatError(`${name} has no duration: it holds no frame that is shown`);
  let closed = false;
  const use = (method: string) => {
    if (closed) throw new ReleasedError(`${method}: ${name} has been closed`);
  };
  let indexed: Promise<ShownFrame[]> | undefined;
  const shown = async (): Promise<ShownFrame[]> => {
    const awake = stayAlive();
    try {
      indexed ??= frameIndex(new library.EncodedPacketSink(track), codec).then((frames) =>
        shownFrames(frames, list?.edits, list ? list.shift : -start),
      );
      const all = await indexed;
      if (all.length === 0)
        throw new FileFormatError(`${name} is damaged: it has no key frame to decode from`);
      return all;
    } catch (error) {
      throw readable(error, name);
    } finally {
      awake();
    }
  };
  /** @param seconds what is shown then; without it every frame, once */
  async function* decode<Frame>(convert: Converter<Frame>, seconds?: readonly number[]) {
    const awake = stayAlive();
    try {
      const all = await shown();
      const times = seconds ?? all.map((frame) => frame.seconds);
      const wanted = seconds ? seconds.map((time) => shownAt(all, time)) : all;
      let count = 0;
      for await (const sample of decodeFrames(library, track, wanted)) {
        yield await convert(sample, times[count++]!);
      }
      if (count < wanted.length) {
        throw new FileFormatError(`${name} is damaged: nothing can be decoded at ${times[count]} s`);
      }
    } catch (error) {
      throw readable(error, name);
    } finally {
      awake();
    }
  }
  return {
    duration,
    width: await track.getDisplayWidth(),
    height: await track.getDisplayHeight(),
    frames: (shape, rate) => {
      use('frames');
      checkFrameShape(shape);
      if (rate !== undefined) checkRate(rate);
      return decode(resizing(shape, colours), rate === undefined ? undefined : evenTimes(duration, rate));
    },
    frameTimes: async () => {
      use('frameTimes');
      return (await shown()).map(({ seconds }) => seconds);
    },
    pictures: (seconds) => {
      use('pictures');
      checkArgument('pictures', 'seconds', seconds, listOf(number));
      return decode((sample, time) => asPicture(sample, time, colours), seconds);
    },
    close: async () => {
      if (closed) return;
      closed = true;
      await close();
    },
  };
}

/** What is on the screen at a time; the first frame before it begins. */
function shownAt(frames: readonly ShownFrame[], time: number): ShownFrame {
  let [low, high] = [0, frames.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (frames[middle]!.seconds <= time + ROUNDING) low = middle;
    else high = middle;
  }
  return frames[low]!;
}

function evenTimes(duration: number, rate: number): number[] {
  return Array.from({ length: frameCount(duration, rate) }, (_, i) => i / rate);
}

/**
 * When the player's 0 is, in seconds of the file's clock. Edit lists and Matroska count from there; clocks of other files
 * run from anywhere, and B-frames delay the first picture.
 */
async function clockStart(
  { MatroskaInputFormat }: VideoLibrary,
  input: Input,
  lists: OpenTrack['lists'],
): Promise<number> {
  const fromZero = lists.size > 0 || (await input.getFormat()) instanceof MatroskaInputFormat;
  return fromZero ? 0 : await input.getFirstTimestamp();
}

/** When the last of the pictures and the sound ends, in seconds of the file's clock. */
async function endOf(input: Input, track: InputVideoTrack, lists: OpenTrack['lists']): Promise<number> {
  const end = async (one: InputVideoTrack | InputAudioTrack): Promise<number> => {
    const list = lists.get(one.id);
    if (list && list.end < Infinity) return list.end;
    return (await one.getDurationFromMetadata()) ?? (await one.computeDuration());
  };
  const ends = await Promise.all([track, ...(await input.getAudioTracks())].map(end));
  return Math.max(...ends);
}

/** Makes of a decoded sample what is wanted of it. */
type Converter<Frame> = (sample: VideoSample, seconds: number) => Promise<Frame>;

/** Resizes samples, whose sizes may change. */
function resizing(shape: FrameShape, colours: ColourCoding): Converter<TimedFrame> {
  const { width, height, channels } = shape;
  let resizer: { readonly size: string; readonly resize: (rgba: Uint8Array) => Uint8Array } | undefined;
  return async (sample, seconds) => {
    const orientation = orientationOf(sample);
    const upright = orientation.quarters % 2 === 0 ? shape : { width: height, height: width, channels };
    const { width: sourceWidth, height: sourceHeight } = sample.visibleRect;
    const size = `${sourceWidth} x ${sourceHeight}`;
    if (resizer?.size !== size) resizer = { size, resize: frameResizer(sourceWidth, sourceHeight, upright) };
    const pixels = resizer.resize(await rgbaOf(sample, colours));
    return { seconds, pixels: turnFrame(pixels, orientation, shape) };
  };
}

async function asPicture(sample: VideoSample, seconds: number, colours: ColourCoding): Promise<Picture> {
  const orientation = orientationOf(sample);
  const sizes = [sample.visibleRect.width, sample.visibleRect.height] as const;
  const [width, height] = orientation.quarters % 2 === 0 ? sizes : [sizes[1], sizes[0]];
  const rgba = await rgbaOf(sample, colours);
  return { seconds, width, height, pixels: turnFrame(rgba, orientation, { width, height, channels: 4 }) };
}

const orientationOf = ({ rotation, flip }: VideoSample): Orientation => ({
  quarters: rotation / 90,
  mirrored: flip,
});

/**
 * Red, green, blue and alpha of each pixel, in memory of its own. Frames whose planes a browser does not give, because
 * they are on the GPU, it converts itself.
 * @throws FeatureError where the decoder gives neither planes that are known here nor colours
 */
async function rgbaOf(sample: VideoSample, colours: ColourCoding): Promise<Uint8Array<ArrayBuffer>> {
  const { format, visibleRect } = sample;
  if (format !== null && convertible(format, colours.matrix)) {
    const bytes = new Uint8Array(sample.allocationSize());
    const layout = await sample.copyTo(bytes);
    const { width, height } = visibleRect;
    return planesToRgba({ format, width, height, bytes, layout }, colours);
  }
  if (colours.matrix === 'rgb' && format?.startsWith('I')) {
    throw new FeatureError('planes of red, green and blue of full size are not what the decoder here gives');
  }
  const rgba = new Uint8Array(sample.allocationSize({ format: 'RGBA' }));
  await sample.copyTo(rgba, { format: 'RGBA' });
  return rgba;
}

/** The one way out for errors of mediabunny and of decoders, whose messages mean nothing to a caller. */
function readable(cause: unknown, name: string): TalError {
  if (cause instanceof TalError) return cause;
  return new FileFormatError(`${name} cannot be read as a video, it is damaged or not whole: ${EXPECTED}`, {
    cause,
  });
}
