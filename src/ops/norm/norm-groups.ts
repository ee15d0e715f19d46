import type { DeviceTraits } from '../../gpu/traits.js';
import { type Shape, sizeOf } from '../../tensor/shape.js';

/** What the normalizations and their gradients share: which elements are normalized together. */

/** What a group is divided by; numbers of kernels/lib/group_statistics.wgsl. */
export const statistics = {
  /** √(variance + eps), after the mean is taken off. */
  variance: 0,
  /** √(mean(x²) + eps). */
  meanSquare: 1,
  /** max(‖x‖, eps). */
  norm: 2,
} as const;

/** How the elements fall into groups and channels. */
export interface NormLayout {
  readonly groups: number;
  /** Elements of a group, and how far apart in memory they are. */
  readonly span: number;
  readonly stride: number;
  /** Elements of a channel in a group. */
  readonly spatial: number;
  /** Groups that the channels fall into. */
  readonly channelGroups: number;
  /** Groups in a sample. */
  readonly sampleGroups: number;
}

/** Each row of the last axis is a group, each element of it a channel; a sample is an entry of the first axis. */
export function rowLayout(shape: Shape): NormLayout {
  const span = shape.at(-1)!;
  const groups = sizeOf(shape) / span;
  const sampleGroups = shape.length > 1 ? groups / shape[0]! : 1;
  return { groups, span, stride: 1, spatial: 1, channelGroups: 1, sampleGroups };
}

/** The channels of (B, C, …) fall into groups. */
export function channelLayout(shape: Shape, groups: number): NormLayout {
  const [samples, channels, ...spatial] = shape as [number, number, ...number[]];
  return {
    groups: samples * groups,
    span: (channels / groups) * sizeOf(spatial),
    stride: 1,
    spatial: sizeOf(spatial),
    channelGroups: groups,
    sampleGroups: groups,
  };
}

/** What lies along an axis, counted from the start, is a group. */
export function axisLayout(shape: Shape, axis: number): NormLayout {
  const span = shape[axis]!;
  return {
    groups: sizeOf(shape) / span,
    span,
    stride: sizeOf(shape.slice(axis + 1)),
    spatial: 1,
    channelGroups: 1,
    sampleGroups: 1,
  };
}

/** Channels, and samples, that weights and stylizations are for. */
export function layoutCounts({ groups, span, spatial, channelGroups, sampleGroups }: NormLayout) {
  return { channels: (channelGroups * span) / spatial, samples: groups / sampleGroups };
}

/** `struct Params` of the kernels. */
export function groupParams({ groups, span, stride, spatial, channelGroups, sampleGroups }: NormLayout) {
  return {
    groups,
    span,
    stride,
    rows: 1,
    row_stride: 0,
    spatial,
    channel_groups: channelGroups,
    sample_groups: sampleGroups,
  };
}

/** Whether to share a group: elements far apart are better read together with those of the next groups. */
export function sharesGroups(_: unknown, { stride, groups }: NormLayout): boolean {
  return stride === 1 || groups < 1024;
}

/** The same for software drivers: many short groups keep every core busy without sharing (measured). */
export function sharesGroupsInSoftware(traits: DeviceTraits, layout: NormLayout): boolean {
  return sharesGroups(traits, layout) && (layout.groups < 1024 || layout.span > 256);
}

/** Invocations that share a sum of that length on a GPU. */
export function lanesFor(length: number): number {
  return length > 512 ? 256 : 64;
}
