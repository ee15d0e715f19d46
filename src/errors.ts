/**
 * Every error that this package throws on purpose. `code` is stable and meant for programs;
 * the message is meant for people and says what to do.
 */
export class TalError extends Error {
  /** The name of the class, given literally because a minifier renames classes. */
  override readonly name: string;

  constructor(
    name: string,
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = name;
  }
}

/** Operands whose shapes do not fit together. The message prints every operand's shape. */
export class ShapeError extends TalError {
  constructor(message: string, options?: ErrorOptions) {
    super('ShapeError', 'SHAPE', message, options);
  }
}

/** An operand of a type that the operation does not take. */
export class DtypeError extends TalError {
  constructor(message: string, options?: ErrorOptions) {
    super('DtypeError', 'DTYPE', message, options);
  }
}

/** An option, argument or configuration value that is unknown or out of range. */
export class OptionError extends TalError {
  constructor(message: string, options?: ErrorOptions) {
    super('OptionError', 'OPTION', message, options);
  }
}

/** NaN or infinity where a number was expected: damaged weights, damaged input or an overflow. */
export class NotFiniteError extends TalError {
  constructor(message: string, options?: ErrorOptions) {
    super('NotFiniteError', 'NOT_FINITE', message, options);
  }
}

/** A file whose content is not what its format promises. */
export class FileFormatError extends TalError {
  constructor(message: string, options?: ErrorOptions) {
    super('FileFormatError', 'FILE_FORMAT', message, options);
  }
}

/** A file or folder that is missing or that may not be read or written. */
export class FileAccessError extends TalError {
  constructor(message: string, options?: ErrorOptions) {
    super('FileAccessError', 'FILE_ACCESS', message, options);
  }
}

/** No WebGPU adapter of the wanted kind. */
export class NoAdapterError extends TalError {
  constructor(message: string, options?: ErrorOptions) {
    super('NoAdapterError', 'NO_ADAPTER', message, options);
  }
}

/** A package that this package does not bring along, and that is not installed or does not run here. */
export class MissingPackageError extends TalError {
  constructor(message: string, options?: ErrorOptions) {
    super('MissingPackageError', 'MISSING_PACKAGE', message, options);
  }
}

/** A feature or limit that the adapter or the codecs at hand do not have. */
export class FeatureError extends TalError {
  constructor(message: string, options?: ErrorOptions) {
    super('FeatureError', 'FEATURE', message, options);
  }
}

/** The device was lost or destroyed; nothing that was pending on it will complete. */
export class DeviceLostError extends TalError {
  constructor(message: string, options?: ErrorOptions) {
    super('DeviceLostError', 'DEVICE_LOST', message, options);
  }
}

/** The device ran out of memory. */
export class OutOfMemoryError extends TalError {
  constructor(message: string, options?: ErrorOptions) {
    super('OutOfMemoryError', 'OUT_OF_MEMORY', message, options);
  }
}

/** WebGPU refused a shader, a pipeline or a command: a defect of a kernel or of its launch. */
export class GpuError extends TalError {
  constructor(message: string, options?: ErrorOptions) {
    super('GpuError', 'GPU', message, options);
  }
}

/** A tensor that was used after it had been released, or a runtime after `destroy()`. */
export class ReleasedError extends TalError {
  constructor(message: string, options?: ErrorOptions) {
    super('ReleasedError', 'RELEASED', message, options);
  }
}
