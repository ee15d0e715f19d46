/** Overlaps and metrics: `tal-webgpu/metrics`. */

export {
  type Detection,
  type LabelledSegment,
  type ScoredSegment,
  type Segment,
  temporalIoU,
} from '../time/segment.js';
export { averagePrecision, type Candidate, evenlySpaced } from './average-precision.js';
export { aboveFalseQueries, type Calibration, calibrate } from './calibration.js';
export { clearPredictions } from './clear-predictions.js';
export {
  ACTIVITYNET_THRESHOLDS,
  type DetectionEvaluation,
  evaluateDetection,
} from './detection.js';
export {
  type DomainEvaluation,
  type DomainVideo,
  evaluateMatchedHighlights,
  evaluateTopHighlights,
} from './domain-highlights.js';
export { type ExtentErrors, extentErrors } from './extent-errors.js';
export { evaluateHighlights, type JudgedHighlights } from './highlights.js';
export { evaluateMoments, type JudgedMoment, meanIoU, type RecallRule, recallAt } from './moments.js';
export { evaluateTemporalReasoning, type JudgedAnswer } from './temporal-reasoning.js';
export { type PriorGuess, type SentenceExample, WindowPrior } from './window-prior.js';
