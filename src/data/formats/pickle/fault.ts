/** What is wrong with a pickle, in words that follow the name of the file; the reader adds name and place. */
export class PickleFault extends Error {}
