// Sums over the elements of a set, by lanes that share it, in f32 but accurate for millions of elements.
// The set is `rows` runs of `span` elements: element i of run r is x[start + r row_stride + i stride].
// The kernel declares `params` with span, stride, rows and row_stride, the binding `x`, and
// `total(sums: vec2f, lane: u32) -> vec2f`, the sum over the lanes, to be called by all of them.

/// Elements that a lane adds up before it adds their sum to those before, and rows likewise: so the rounding error grows
/// with this and with the number of such sums, not with the number of elements.
const CHUNK = 1024u;

/// The lane's share of the sums of d and d^2, where d = x - center.
fn deviations(start: u32, lane: u32, lanes: u32, center: f32) -> vec2f {
  var sums = vec2f(0.0);
  for (var rows = 0u; rows < params.rows; rows += CHUNK) {
    var of_rows = vec2f(0.0);
    for (var row = rows; row < min(rows + CHUNK, params.rows); row++) {
      let first = start + row * params.row_stride;
      for (var chunk = lane; chunk < params.span; chunk += CHUNK * lanes) {
        let end = min(chunk + CHUNK * lanes, params.span);
        var part = vec2f(0.0);
        for (var i = chunk; i < end; i += lanes) {
          let d = f32(x[first + i * params.stride]) - center;
          part += vec2f(d, d * d);
        }
        of_rows += part;
      }
    }
    sums += of_rows;
  }
  return sums;
}

/// The mean is center + correction: their f32 sum would be less exact where the mean is far from 0.
struct Moments {
  center: f32,
  correction: f32,
  variance: f32,   // biased
}

/// Mean and variance in two passes; the second one also measures by how much the first one's mean was off.
fn moments(start: u32, lane: u32, lanes: u32) -> Moments {
  var center = 0.0;
  var means = vec2f(0.0);
  for (var reading = 0u; reading < 2u; reading++) {
    center = means.x;
    means = total(deviations(start, lane, lanes, center), lane) / f32(params.rows * params.span);
  }
  return Moments(center, means.x, max(means.y - means.x * means.x, 0.0));
}
