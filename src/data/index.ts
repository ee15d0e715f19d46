/** Files of arrays, weights, annotations and videos, and the made-up world: `tal-webgpu/data`. */

export { readAmbiguousRanges } from './annotations/ambiguous-ranges.js';
export {
  type AnnotatedVideo,
  queriedExcerpts,
  readCaptions,
  readCharades,
  readVideoActions,
  type VideoEvent,
  videosWithActions,
} from './annotations/annotated-video.js';
export { loadClassNames } from './annotations/class-names.js';
export { writeDetections } from './annotations/detection-json.js';
export { type MomentQuery, readMomentQueries } from './annotations/moment-queries.js';
export { type QueryRecord, readMomentPredictions } from './annotations/moments-jsonl.js';
export type { QuestionAnswer } from './annotations/question-answer.js';
export { readWrittenQuestions, type WrittenQuestion } from './annotations/question-lines.js';
export { readAnnotations, readDetections } from './annotations/read-detections.js';
export {
  cutIntoWindows,
  slidingWindows,
  THUMOS_WINDOWS,
  type WindowOptions,
} from './annotations/sliding-windows.js';
export {
  readTemporalPredictions,
  readTemporalQuestions,
  readTemporalTraining,
  type TemporalPrediction,
  type TemporalQuestion,
} from './annotations/temporal-reasoning.js';
export {
  ACTIONS_QUESTION,
  actionsQuestion,
  captioningQuestion,
  eventQuestion,
  localizationQuestions,
} from './annotations/timed-questions.js';
export type { ByteSource } from './files/byte-source.js';
export type { FolderOptions, FolderSource, UrlLike } from './files/source-folder.js';
export type { ArrayData, ArrayDtype, ArrayStorage, NumericArray, TypedArray } from './formats/array.js';
export { type Crop, type FeatureOptions, type Features, loadFeatures } from './formats/features.js';
export type { QueryId } from './formats/json-record.js';
export { readNpy, writeNpy } from './formats/npy.js';
export { readNpyValues } from './formats/npy-values.js';
export { type NpzOptions, type OnSkipped, readNpz } from './formats/npz.js';
export type { PythonValue, ValueArray } from './formats/python-value.js';
export {
  openPyTorch,
  type PyTorchCheckpoint,
  type PyTorchOptions,
  type PyTorchTensor,
} from './formats/pytorch/pytorch.js';
export type { PlainRecord, PlainValue } from './formats/pytorch/state-dict.js';
export { openRecordings, type Recording, type Recordings } from './formats/recordings.js';
export {
  encodeSafetensors,
  openSafetensors,
  type RowRange,
  type Safetensors,
} from './formats/safetensors.js';
export type {
  Header as SafetensorsHeader,
  Location as TensorLocation,
  StoredTensor,
} from './formats/safetensors-header.js';
export { type RecordedSignal, readSignalCsv } from './formats/signal-csv.js';
export { HostRandom } from './host-random.js';
export { parseSpokenTimes } from './text/spoken-times.js';
export { parseTimedText, type TimedText } from './text/timed-text.js';
export { type Tokenization, tokenize } from './text/tokenize.js';
export {
  encodeWordVectors,
  loadWordVectors,
  type SentenceVectors,
  type WordVectorOptions,
  WordVectors,
  wordsOf,
} from './text/words.js';
export type { FrameShape } from './video/frame.js';
export { uniformFrames } from './video/uniform-frames.js';
export { openVideo, type Picture, type TimedFrame, type Video } from './video/video.js';
export { encodeMp4, type VideoFormat } from './video/video-encode.js';
export type { ActionName, Posture } from './world/actions.js';
export type { ScriptedAction, ScriptOptions } from './world/script.js';
export type { QueryKind, WorldQuery } from './world/sentences.js';
export { type WorldOptions, type WorldSplit, type WorldVideo, worldSeed, worldVideo } from './world/world.js';
