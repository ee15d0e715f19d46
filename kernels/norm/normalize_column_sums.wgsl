// Sums for the gradients of the parameters of a normalization of rows, with g the gradient of the result and n the
// normalized elements: of each channel of a part of a sample's rows the sums of g and of g n.
// One invocation a part and a channel, or four channels (Wide).
//! import lib/index.wgsl

const WORKGROUP = 64u;
alias Element = f32;
alias Packed = Element;   // Element or vec4<Element>
alias Wide = f32;         // f32 or vec4f, likewise

/// channels: in units of Wide; a part is part_rows of the sample_rows of a sample, the last one what is left.
struct Params { samples: u32, sample_rows: u32, parts: u32, part_rows: u32, channels: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<Packed>;          // (samples, sample_rows, C)
@group(0) @binding(1) var<storage, read> gradient: array<Packed>;   // as x, of the result
@group(0) @binding(2) var<storage, read> statistics: array<f32>;    // (3, samples, sample_rows): center, correction of it, factor
@group(0) @binding(3) var<storage, read_write> sums: array<Wide>;   // (2, samples, parts, C): of g and g n

@compute @workgroup_size(WORKGROUP)
fn column_sums(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let index = linear_index(workgroup, workgroups, WORKGROUP, local);
  let count = params.samples * params.parts * params.channels;
  if (index >= count) { return; }
  let part = index / params.channels;
  let channel = index % params.channels;
  let first = part % params.parts * params.part_rows;
  let end = min(first + params.part_rows, params.sample_rows);
  let sample = part / params.parts * params.sample_rows;
  let rows = params.samples * params.sample_rows;

  var of_gradient = Wide();
  var of_product = Wide();
  for (var row = sample + first; row < sample + end; row++) {
    let i = row * params.channels + channel;
    let g = Wide(gradient[i]);
    let n = ((Wide(x[i]) - statistics[row]) - statistics[rows + row]) * statistics[2 * rows + row];
    of_gradient += g;
    of_product += g * n;
  }
  sums[index] = of_gradient;
  sums[count + index] = of_product;
}
