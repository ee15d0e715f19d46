/** The part of onnxruntime's API that is used here, the same in Node and in a page. */
export interface Onnxruntime {
  readonly Tensor: {
    new (type: string, data: unknown, shape: readonly number[]): OnnxTensor;
    fromGpuBuffer(buffer: unknown, options: { dataType: string; dims: readonly number[] }): OnnxTensor;
  };
  readonly InferenceSession: { create(model: Uint8Array, options: unknown): Promise<OnnxSession> };
}

export interface OnnxTensor {
  readonly data: ArrayLike<number>;
  readonly gpuBuffer: unknown;
  getData(): Promise<ArrayLike<number>>;
  dispose(): void;
}

export interface OnnxSession {
  run(feeds: Readonly<Record<string, OnnxTensor>>): Promise<Record<string, OnnxTensor>>;
  release(): Promise<void>;
}
