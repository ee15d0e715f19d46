import type { Localization } from '../../models/wtal/localize.js';
import type { Timeline, TimelineSegment } from './timeline.js';

/** Classes whose activation curve is drawn. */
const shownClasses = 3;

/** The picture of a localization: segments, activation of the best classes, attention. */
export function localizationTimeline(
  localization: Localization,
  title: string,
  subtitle: string,
  groundTruth?: readonly TimelineSegment[],
): Timeline {
  const { duration, segments, classes, attention } = localization;
  return {
    title,
    subtitle,
    duration,
    segments: segments.slice(0, 12),
    ...(groundTruth && { groundTruth }),
    activations: classes
      .slice(0, shownClasses)
      .map(({ label }) => ({ label, values: localization.activation(label) })),
    attention,
  };
}
