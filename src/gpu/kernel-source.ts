/** The WGSL of a kernel, as a module of its own: an operation imports the kernels that it launches, and no others. */
export interface KernelSource {
  /** The path below `kernels/` without its ending, or a name of the caller's: for labels and errors. */
  readonly name: string;
  readonly text: string;
  /** What the `//! import` lines of the text stand for, by the path that they give. */
  readonly imports: Readonly<Record<string, KernelSource>>;
}
