import type { EncodedPacketSink, Input, InputVideoTrack, VideoSample } from 'mediabunny';
import { FeatureError, FileFormatError, TalError } from '../errors.js';
import { bytesSource, openSource } from './byte-source.js';
import { checkFrameShape, checkRate, type FrameShape, frameCount } from './frame.js';
import { frameResizer, turnFrame } from './resize-frame.js';
import { stayAlive, videoLibrary } from './video-library.js';

export interface TimedFrame {
  /** When it begins to be shown, in seconds from the video's first frame. */
  readonly seconds: number;
  /** `height` x `width` x `channels` bytes. */
  readonly pixels: Uint8Array;
}

/** A frame as it is in the file, upright: `height` x `width` x 4 bytes, red, green, blue and alpha. */
export interface Picture extends TimedFrame {
  readonly width: number;
  readonly height: number;
}

/** An open video file. Close it after use. */
export interface Video {
  /** Seconds from the start of the first frame to the end of the last. */
  readonly duration: number;
  /** In pixels, as it is to be shown. */
  readonly width: number;
  readonly height: number;
  /**
   * Decodes frame after frame, each resized as a whole to the shape; proportions are not kept.
   * @param rate frames a second: what is shown at 0, 1 / rate, …, `frameCount(duration, rate)` in all. Without it
   *   every frame of the file is given, once
   * @throws FileFormatError where the file is damaged, OptionError where shape or rate are out of range
   */
  frames(shape: FrameShape, rate?: number): AsyncGenerator<TimedFrame, void, void>;
  /**
   * When each frame of the file begins to be shown, in seconds from the first, in order. Decodes nothing.
   * @throws FileFormatError where the file is damaged
   */
  frameTimes(): Promise<number[]>;
  /**
   * Decodes what is shown at these times, one picture for each.
   * @param seconds from the first frame on, in order
   * @throws FileFormatError where the file is damaged
   */
  pictures(seconds: readonly number[]): AsyncGenerator<Picture, void, void>;
  close(): Promise<void>;
}

/** A frame that begins this much later than asked for is still the one meant: times in files are rounded. */
const ROUNDING = 5e-4;

/**
 * Opens a video: MP4, WebM, Matroska, QuickTime and what else mediabunny reads.
 * @param file a path, or the bytes of the file
 * @throws FileAccessError where it cannot be read, FileFormatError where it is no video, FeatureError where its
 *   codec is unknown here, MissingPackageError where mediabunny or @napi-rs/webcodecs are not installed
 */
export async function openVideo(file: string | Uint8Array, name = 'the video'): Promise<Video> {
  const { ALL_FORMATS, CustomSource, EncodedPacketSink, Input, VideoSampleSink } = await videoLibrary();
  const source = typeof file === 'string' ? await openSource(file) : bytesSource(file, name);
  const input = new Input({
    formats: ALL_FORMATS,
    source: new CustomSource({
      getSize: () => source.size,
      read: (start, end) => source.read(start, end - start),
    }),
  });
  const close = async () => {
    input.dispose();
    await source.close();
  };
  const awake = stayAlive();
  try {
    const track = await videoTrack(input, source.name);
    const start = await track.getFirstTimestamp();
    const duration = (await track.computeDuration()) - start;
    const decode = <Frame extends TimedFrame>(convert: Converter<Frame>, seconds?: readonly number[]) => {
      const sink = new VideoSampleSink(track);
      const samples = seconds
        ? sink.samplesAtTimestamps(seconds.map((time) => start + time + ROUNDING))
        : sink.samples();
      return decoded(samples, convert, start, seconds, source.name);
    };
    return {
      duration,
      width: await track.getDisplayWidth(),
      height: await track.getDisplayHeight(),
      frames: (shape, rate) => {
        checkFrameShape(shape);
        if (rate !== undefined) checkRate(rate);
        return decode(resizing(shape), rate === undefined ? undefined : evenTimes(duration, rate));
      },
      frameTimes: () => timesOf(new EncodedPacketSink(track), start, source.name),
      pictures: (seconds) => decode(asPicture, seconds),
      close,
    };
  } catch (error) {
    await close();
    throw readable(error, source.name);
  } finally {
    awake();
  }
}

async function videoTrack(input: Input, name: string): Promise<InputVideoTrack> {
  const track = await input.getPrimaryVideoTrack();
  if (!track) throw new FileFormatError(`${name} holds no pictures: no video track is in it`);
  if (!(await track.canDecode())) {
    throw new FeatureError(
      `${name} is coded as ${(await track.getCodec()) ?? 'something'} that cannot be decoded here`,
    );
  }
  return track;
}

function evenTimes(duration: number, rate: number): number[] {
  return Array.from({ length: frameCount(duration, rate) }, (_, i) => i / rate);
}

async function timesOf(sink: EncodedPacketSink, start: number, name: string): Promise<number[]> {
  const awake = stayAlive();
  const times: number[] = [];
  try {
    // They come in the order of decoding.
    for await (const { timestamp } of sink.packets(undefined, undefined, { metadataOnly: true })) {
      times.push(timestamp - start);
    }
  } catch (error) {
    throw readable(error, name);
  } finally {
    awake();
  }
  return times.sort((a, b) => a - b);
}

/** Makes of a decoded sample what is wanted of it. */
type Converter<Frame> = (sample: VideoSample, seconds: number) => Promise<Frame>;

/** Brings what the decoder gives to the wanted form, and its errors to ours. */
async function* decoded<Frame>(
  samples: AsyncIterable<VideoSample | null>,
  convert: Converter<Frame>,
  start: number,
  seconds: readonly number[] | undefined,
  name: string,
): AsyncGenerator<Frame, void, void> {
  const awake = stayAlive();
  let count = 0;
  try {
    for await (const sample of samples) {
      const time = seconds?.[count];
      count++;
      if (!sample) throw new FileFormatError(`${name} shows nothing at ${time} s: it is damaged`);
      try {
        yield await convert(sample, time ?? sample.timestamp - start);
      } finally {
        sample.close();
      }
    }
    const none = count === 0 && seconds?.length !== 0;
    if (none) throw new FileFormatError(`${name} is damaged: not one of its frames could be decoded`);
  } catch (error) {
    throw readable(error, name);
  } finally {
    awake();
  }
}

/** Resizes samples that all have the size and the rotation of the first. */
function resizing(shape: FrameShape): Converter<TimedFrame> {
  const { width, height, channels } = shape;
  let resize: ((rgba: Uint8Array) => Uint8Array) | undefined;
  let rgba: Uint8Array<ArrayBuffer> | undefined;
  return async (sample, seconds) => {
    const quarters = sample.rotation / 90;
    const upright = quarters % 2 === 0 ? shape : { width: height, height: width, channels };
    resize ??= frameResizer(sample.visibleRect.width, sample.visibleRect.height, upright);
    rgba = await bytesOf(sample, rgba);
    return { seconds, pixels: turnFrame(resize(rgba), quarters, shape) };
  };
}

const asPicture: Converter<Picture> = async (sample, seconds) => {
  const quarters = sample.rotation / 90;
  const sizes = [sample.visibleRect.width, sample.visibleRect.height] as const;
  const [width, height] = quarters % 2 === 0 ? sizes : [sizes[1], sizes[0]];
  return {
    seconds,
    width,
    height,
    pixels: turnFrame(await bytesOf(sample), quarters, { width, height, channels: 4 }),
  };
};

/** Red, green, blue and alpha of each pixel, in a new array or in one of an earlier sample of the same size. */
async function bytesOf(
  sample: VideoSample,
  rgba = new Uint8Array(sample.allocationSize({ format: 'RGBA' })),
): Promise<Uint8Array<ArrayBuffer>> {
  await sample.copyTo(rgba, { format: 'RGBA' });
  return rgba;
}

function readable(error: unknown, name: string): TalError {
  if (error instanceof TalError) return error;
  return new FileFormatError(`${name} is no video that can be read: ${(error as Error).message}`, {
    cause: error,
  });
}
