/** How an action is told where no model describes it. */
export interface ActionPhrases {
  /** Who does it; default `a person`. */
  readonly subject?: string;
  /** What the subject does. */
  readonly does: string;
  /** Key phrases: what the body does, and in what it differs from the other classes. */
  readonly phrases: readonly string[];
}

/**
 * Phrases of ours for the classes of `hapt` and of YouTube Highlights, by the name of the class; all of their words are in the
 * package's table of word vectors (`checkpoints/words`), which has no word for a dog.
 */
export const actionPhrases: Readonly<Record<string, ActionPhrases>> = {
  WALKING: {
    does: 'walks on level ground',
    phrases: ['walking on level ground', 'regular steps forward', 'a steady pace', 'calm gait of a walker'],
  },
  WALKING_UPSTAIRS: {
    does: 'climbs the stairs',
    phrases: [
      'climbing the stairs',
      'ascending a staircase',
      'lifting the body with each step',
      'slow steps upward',
    ],
  },
  WALKING_DOWNSTAIRS: {
    does: 'descends the stairs',
    phrases: [
      'descending the stairs',
      'going downstairs',
      'dropping down with each step',
      'quick steps downward',
    ],
  },
  SITTING: {
    does: 'sits still',
    phrases: ['sitting still', 'seated on a chair', 'quiet without motion', 'upper body at rest'],
  },
  STANDING: {
    does: 'stands still',
    phrases: [
      'standing still',
      'upright posture on both feet',
      'motionless without steps',
      'slightly swaying',
    ],
  },
  LAYING: {
    does: 'lies at rest',
    phrases: ['lying at rest', 'body flat on a bed', 'horizontal posture', 'asleep without motion'],
  },
  STAND_TO_SIT: {
    does: 'sits down',
    phrases: [
      'sitting down from standing',
      'bending the knees',
      'lowering the body onto a seat',
      'taking a seat',
    ],
  },
  SIT_TO_STAND: {
    does: 'rises from the chair',
    phrases: [
      'rising from the chair',
      'getting up from a seat',
      'pushing the body up',
      'straightening the legs',
    ],
  },
  SIT_TO_LIE: {
    does: 'leans back to lie down',
    phrases: [
      'leaning back from the seat',
      'lowering the upper body',
      'turning from sitting to lying',
      'tilting backward',
    ],
  },
  LIE_TO_SIT: {
    does: 'raises the upper body to sit',
    phrases: [
      'raising the upper body',
      'waking and sitting in bed',
      'turning from lying to sitting',
      'tilting forward',
    ],
  },
  STAND_TO_LIE: {
    does: 'lies down from standing',
    phrases: [
      'lying down from standing',
      'going down to the bed',
      'long descent of the whole body',
      'sinking to rest',
    ],
  },
  LIE_TO_STAND: {
    does: 'gets up from lying and stands',
    phrases: [
      'getting up from lying',
      'standing up from the bed',
      'long rise of the whole body',
      'waking and rising',
    ],
  },
  dog: {
    subject: 'the subject',
    does: 'runs and jumps and catches a ball',
    phrases: [
      'running on the grass',
      'jumping to catch a stick',
      'rolling on the ground',
      'running after a ball',
    ],
  },
  gymnastics: {
    does: 'swings and spins and ends on the mat',
    phrases: [
      'swinging by the hands',
      'cartwheel and handstand',
      'spinning and twisting',
      'hits the mat on both feet',
    ],
  },
  parkour: {
    does: 'runs and leaps over a wall',
    phrases: [
      'leaping over a wall',
      'running up a wall',
      'jumping across the street',
      'rolling out of a fall',
    ],
  },
  skating: {
    does: 'skates and jumps off the ramp',
    phrases: [
      'skates on the pavement',
      'rolling down the ramp',
      'jump with a spin',
      'riding on the edge of the ramp',
    ],
  },
  skiing: {
    does: 'rides down the white slope and jumps',
    phrases: [
      'moving fast down the slope',
      'downhill turns',
      'jumping off the edge of the mount',
      'a ride over white ground',
    ],
  },
  surfing: {
    does: 'stands up and rides the wave',
    phrases: [
      'riding a wave',
      'standing up on the surface',
      'swimming through the waves',
      'turning below the wave',
    ],
  },
};
