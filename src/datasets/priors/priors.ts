import type { Segment } from '../../time/segment.js';

/** A text that tells what is seen in a part of a video. */
export interface DescribedSpan {
  readonly text: string;
  /** In seconds of the video. */
  readonly segment: Segment;
}

/** Embeddings of the texts of a video, in the order of these. */
export interface PriorEmbeddings {
  /** [events, P]. */
  readonly events: Float32Array;
  /** [captions, P]. */
  readonly captions: Float32Array;
}

/** What a multimodal language model, or who stands in for one, tells of a video. */
export interface VideoPriors {
  /** What happens, and when. Events may overlap. */
  readonly events: readonly DescribedSpan[];
  /** What is seen in each clip. */
  readonly captions: readonly DescribedSpan[];
  /** Of a source that brings embeddings. @throws FileAccessError, FileFormatError */
  embeddings?(): Promise<PriorEmbeddings>;
}

/** Priors of videos: texts that training may learn from, and inference never sees. */
export interface Priors {
  /** Where they come from, for messages. */
  readonly name: string;
  /** Videos that are told of. */
  readonly ids: readonly string[];
  /** P: numbers of an embedding; undefined where there are texts alone. */
  readonly channels?: number;
  /** Undefined where the video is not told of. */
  of(id: string): VideoPriors | undefined;
  /** Closes the file of embeddings. */
  close(): Promise<void>;
}
