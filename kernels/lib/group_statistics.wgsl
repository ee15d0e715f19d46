// What a normalization takes off the elements of a group and divides them by (lib/normalization.wgsl has the formulas).
// The kernel declares Params as lib/normalization.wgsl does, the binding `x`, and `total` for lib/deviations.wgsl.
//! import lib/deviations.wgsl

const STATISTIC = 0u;

struct Normalization {
  center: f32,
  correction: f32,
  factor: f32,     // 1 / deviation
  clamped: bool,   // STATISTIC 2: eps stands in the place of a smaller norm
}

/// Element i of group g is x[first_of(g) + i stride].
fn first_of(group: u32) -> u32 {
  return group / params.stride * params.span * params.stride + group % params.stride;
}

fn normalization(group: u32, lane: u32, lanes: u32) -> Normalization {
  let start = first_of(group);
  if (STATISTIC == 0u) {
    let m = moments(start, lane, lanes);
    return Normalization(m.center, m.correction, 1.0 / sqrt(m.variance + params.eps), false);
  }
  let squares = total(deviations(start, lane, lanes, 0.0), lane).y;
  if (STATISTIC == 1u) {
    return Normalization(0.0, 0.0, 1.0 / sqrt(squares / f32(params.span) + params.eps), false);
  }
  let norm = sqrt(squares);
  return Normalization(0.0, 0.0, 1.0 / max(norm, params.eps), norm <= params.eps);
}

/// Element i of `x`, normalized.
fn normalized(i: u32, n: Normalization) -> f32 {
  return ((f32(x[i]) - n.center) - n.correction) * n.factor;
}
