/** The width of what is shown; its height is 1. */
export const ASPECT = 4 / 3;
/** How far the camera may wander. */
export const LARGEST_PAN = 0.03;
