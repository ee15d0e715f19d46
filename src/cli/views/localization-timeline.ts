import type { Localization } from '../../models/wtal/localize.js';
import type { VideoCurves } from '../../models/wtal/opened.js';
import type { Timeline, TimelineSegment } from './timeline.js';

/** Classes whose activation curve is drawn. */
const shownClasses = 3;

/** The picture of a localization: segments, activation of the best classes, attention; with a diffusion also those after it. */
export function localizationTimeline(
  localization: Localization & Pick<VideoCurves, 'refined'>,
  title: string,
  subtitle: string,
  groundTruth?: readonly TimelineSegment[],
): Timeline {
  const { duration, segments, classes, attention, refined } = localization;
  const drawn = ({ activation }: Pick<Localization, 'activation'>) =>
    classes.slice(0, shownClasses).map(({ label }) => ({ label, values: activation(label) }));
  return {
    title,
    subtitle,
    duration,
    segments: segments.slice(0, 12),
    ...(groundTruth && { groundTruth }),
    activations: drawn(localization),
    attention,
    ...(refined && { refined: { activations: drawn(refined), attention: refined.attention } }),
  };
}
