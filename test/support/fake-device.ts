/** As much of a GPUDevice as the buffer pool and the bind-group cache use, with a record of what they did. */
export class FakeDevice {
  readonly limits = { maxBufferSize: 2 ** 30 + 2 };
  readonly buffers: { readonly size: number; destroyed: boolean }[] = [];
  readonly bindGroups: GPUBindGroupDescriptor[] = [];
  /** What the next error scopes report. */
  readonly reports: (GPUError | null)[] = [];

  /** The same object, as the code under test sees it. */
  get device(): GPUDevice {
    return this as unknown as GPUDevice;
  }

  createBuffer({ size }: GPUBufferDescriptor): { destroy(): void } {
    const buffer = {
      size,
      destroyed: false,
      destroy() {
        this.destroyed = true;
      },
    };
    this.buffers.push(buffer);
    return buffer;
  }

  createBindGroup(descriptor: GPUBindGroupDescriptor): GPUBindGroupDescriptor {
    this.bindGroups.push(descriptor);
    return descriptor;
  }

  pushErrorScope(): void {}

  async popErrorScope(): Promise<GPUError | null> {
    return this.reports.shift() ?? null;
  }
}
