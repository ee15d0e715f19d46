/** What can be wrong with a data set. The names are stable, for programs. */
export type FaultKind =
  /** A file that cannot be read, or is not what its format promises. */
  | 'file'
  /** An entry of the annotations, or a video in them, that is not as its layout says. */
  | 'entry'
  /** The same video, query or segment twice, in one split or in several. */
  | 'duplicate'
  /** A span that ends before it begins, or lies outside its video or excerpt. */
  | 'span'
  /** A query without words. */
  | 'query'
  /** Words without a vector. */
  | 'words'
  /** A class in one split only, or a label that is no class. */
  | 'class'
  /** Priors of a video that are missing, of no video, outside of it, or that cannot be used. */
  | 'priors'
  /** A video without features. */
  | 'missing-features'
  /** Features of no video that is annotated. */
  | 'extra-features'
  /** Features that hold NaN or infinity. */
  | 'not-finite'
  /** Features of another length than duration and stride say, or of other channels than those of the other videos. */
  | 'feature-shape';

/** Something wrong with a data set. What it is about is passed over or cut; the rest can be used. */
export interface DatasetFault {
  readonly kind: FaultKind;
  /** Id of the video; absent where a fault is of a file or of the whole data set. */
  readonly video?: string;
  /** As the data set is opened: `train`, `validation`, …; absent where it is of none or of several. */
  readonly split?: string;
  /** What is wrong, with file and entry where they are known; it names the video. */
  readonly message: string;
}

/** Called with each fault in the place of a throw: the entry that has it is passed over, a span that has it is cut or left out. */
export type OnFault = (fault: DatasetFault) => void;
