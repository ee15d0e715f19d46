/** Flags of the WebGPU specification, written out: outside of browsers there need be no globals for them. */
export const bufferUsage = {
  mapRead: 0x1,
  copySource: 0x4,
  copyTarget: 0x8,
  uniform: 0x40,
  storage: 0x80,
  queryResolve: 0x200,
} as const;

export const computeStage = 0x4;

export const mapForReading = 0x1;
