// A weight as whole numbers with a scale for each group of neighbours (lib/quantized.wgsl). In a group whose largest
// element by magnitude is x,
//   scales = -x f,   q = round(w 2^(BITS - 1) / scales), cut to the range of BITS bits,
// for the factor f, of those that are tried, which leaves the least squared error; the first of equal ones. With the
// first factor nothing is cut. From 1 on x itself is the one number of the range that has no opposite, so that its
// opposite and what is near it are cut by a step.
// One invocation a group; its numbers are whole words.
//! import lib/index.wgsl
//! import lib/quantized.wgsl

const WORKGROUP = 64u;
const FACTORS = 5u;                     // how many are tried
const LARGEST_SCALE = 3.4028234e38;     // of type Scale
alias Element = f32;

const HALF_RANGE = f32(1u << (BITS - 1));

struct Params { n: u32, k: u32, group_log2: u32 }
@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> weight: array<Element>;          // (N, K)
@group(0) @binding(1) var<storage, read_write> values: array<u32>;        // (N, words)
@group(0) @binding(2) var<storage, read_write> scales: array<Scale>;      // (N, groups)

/// HALF_RANGE / (HALF_RANGE - 1), 1, 0.92, 0.84, …: beyond the fourth of these hardly any group gains.
fn factor(i: u32) -> f32 {
  return select(1.08 - 0.08 * f32(i), HALF_RANGE / (HALF_RANGE - 1), i == 0);
}

/// What makes steps of elements; 0 for a group of zeros, and of what is too small for a scale.
fn inverse_step(scale: f32) -> f32 {
  if (abs(scale) < 1e-35) { return 0.0; }
  return HALF_RANGE / scale;
}

/// q of an element that is so many steps.
fn nearest(steps: f32) -> f32 {
  return clamp(round(steps), -HALF_RANGE, HALF_RANGE - 1);
}

@compute @workgroup_size(WORKGROUP)
fn quantize(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linear_index(workgroup, workgroups, WORKGROUP, local);
  if (i >= params.n * row_groups()) { return; }
  let row = i / row_groups();
  let first = (i % row_groups()) << params.group_log2;
  let next = first + (1u << params.group_log2);
  let end = min(next, params.k);
  let start = row * params.k;

  var extreme = 0.0;
  for (var k = first; k < end; k++) {
    let x = f32(weight[start + k]);
    if (abs(x) > abs(extreme)) { extreme = x; }
  }

  var scale = 0.0;
  var inverse = 0.0;
  var least = 3.4028234e38;
  for (var f = 0u; f < FACTORS; f++) {
    // As it will be read.
    let tried = f32(Scale(clamp(-extreme * factor(f), -LARGEST_SCALE, LARGEST_SCALE)));
    let tried_inverse = inverse_step(tried);
    var error = 0.0;   // in units of (x / HALF_RANGE)^2
    for (var k = first; k < end; k++) {
      let exact = f32(weight[start + k]) * tried_inverse;
      let difference = (exact - nearest(exact)) * factor(f);
      error = fma(difference, difference, error);
    }
    if (error < least) {
      least = error;
      scale = tried;
      inverse = tried_inverse;
    }
  }
  scales[i] = Scale(scale);

  // The last group of a row also writes the padding.
  let padded_end = min(next, (params.k + 31) / 32 * 32);
  for (var k = first; k < padded_end; k += PER_WORD) {
    var word = 0u;
    for (var j = 0u; j < PER_WORD && k + j < end; j++) {
      let q = i32(nearest(f32(weight[start + k + j]) * inverse));
      word = insertBits(word, bitcast<u32>(q), j * BITS, BITS);
    }
    values[row * row_words() + k / PER_WORD] = word;
  }
}
