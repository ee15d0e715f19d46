/**
 * Every error that this package throws on purpose. `code` is stable and meant for programs;
 * the message is meant for people and says what to do.
 */
export class TalError extends Error {
  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Operands whose shapes do not fit together. The message prints every operand's shape. */
export class ShapeError extends TalError {
  constructor(message: string, options?: ErrorOptions) {
    super('SHAPE', message, options);
  }
}

/** An operand of a type that the operation does not take. */
export class DtypeError extends TalError {
  constructor(message: string, options?: ErrorOptions) {
    super('DTYPE', message, options);
  }
}

/** An option, argument or configuration value that is unknown or out of range. */
export class OptionError extends TalError {
  constructor(message: string, options?: ErrorOptions) {
    super('OPTION', message, options);
  }
}

/** NaN or infinity where a number was expected: damaged weights, damaged input or an overflow. */
export class NotFiniteError extends TalError {
  constructor(message: string, options?: ErrorOptions) {
    super('NOT_FINITE', message, options);
  }
}

/** A file whose content is not what its format promises. */
export class FileFormatError extends TalError {
  constructor(message: string, options?: ErrorOptions) {
    super('FILE_FORMAT', message, options);
  }
}

/** A file or folder that is missing or that may not be read or written. */
export class FileAccessError extends TalError {
  constructor(message: string, options?: ErrorOptions) {
    super('FILE_ACCESS', message, options);
  }
}

/** No WebGPU adapter of the wanted kind. */
export class NoAdapterError extends TalError {
  constructor(message: string, options?: ErrorOptions) {
    super('NO_ADAPTER', message, options);
  }
}

/** A feature or limit that the adapter at hand does not have. */
export class FeatureError extends TalError {
  constructor(message: string, options?: ErrorOptions) {
    super('FEATURE', message, options);
  }
}

/** The device was lost or destroyed; nothing that was pending on it will complete. */
export class DeviceLostError extends TalError {
  constructor(message: string, options?: ErrorOptions) {
    super('DEVICE_LOST', message, options);
  }
}

/** The device ran out of memory. */
export class OutOfMemoryError extends TalError {
  constructor(message: string, options?: ErrorOptions) {
    super('OUT_OF_MEMORY', message, options);
  }
}

/** WebGPU refused a shader, a pipeline or a command: a defect of a kernel or of its launch. */
export class GpuError extends TalError {
  constructor(message: string, options?: ErrorOptions) {
    super('GPU', message, options);
  }
}

/** A tensor that was used after it had been released, or a runtime after `destroy()`. */
export class ReleasedError extends TalError {
  constructor(message: string, options?: ErrorOptions) {
    super('RELEASED', message, options);
  }
}
