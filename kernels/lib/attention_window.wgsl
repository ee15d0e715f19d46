// What the kernels of windowed attention share. The kernel declares `params` with channels, length, dilation and scale, and
// the bindings `query` and `key` (B, D, T).

const TAPS = 3u;      // odd: the middle tap is the query's own step
const BLOCK = 256u;   // channels that are added up separately

/// The step that a tap of the query at step t attends; outside of the sequence it is params.length or more, also before it.
fn tap_step(t: u32, tap: u32) -> u32 {
  return t + tap * params.dilation - TAPS / 2 * params.dilation;
}

/// The query that attends step t by a tap, as above.
fn tap_query(t: u32, tap: u32) -> u32 {
  return tap_step(t, TAPS - 1 - tap);
}

/// Where in a row the taps of the query at step t read. One outside reads the end of the row, which must count nothing.
fn taps_in_row(t: u32) -> array<u32, TAPS> {
  var steps: array<u32, TAPS>;
  for (var tap = 0u; tap < TAPS; tap++) { steps[tap] = min(tap_step(t, tap), params.length - 1); }
  return steps;
}

/// The weights of the taps of the query at step t, the softmax of scale q . k over those within the sequence, 0 elsewhere.
/// `first` is where channel 0 of the batch begins, `steps` what taps_in_row gives.
fn window_weights(first: u32, t: u32, steps: array<u32, TAPS>) -> array<f32, TAPS> {
  var scores: array<f32, TAPS>;
  for (var begin = 0u; begin < params.channels; begin += BLOCK) {
    // With its value: Dawn's compiler leaves that of the turn before to a variable without one.
    var block = array<f32, TAPS>();
    let end = min(begin + BLOCK, params.channels);
    for (var d = begin; d < end; d++) {
      let row = first + d * params.length;
      let q = f32(query[row + t]);
      for (var tap = 0u; tap < TAPS; tap++) {
        block[tap] = fma(q, f32(key[row + steps[tap]]), block[tap]);
      }
    }
    for (var tap = 0u; tap < TAPS; tap++) { scores[tap] += block[tap]; }
  }
  var maximum = scores[TAPS / 2];
  for (var tap = 0u; tap < TAPS; tap++) {
    maximum = max(maximum, select(maximum, scores[tap], tap_step(t, tap) < params.length));
  }
  var total = 0.0;
  for (var tap = 0u; tap < TAPS; tap++) {
    let inside = tap_step(t, tap) < params.length;
    scores[tap] = select(0.0, exp(params.scale * (scores[tap] - maximum)), inside);
    total += scores[tap];
  }
  for (var tap = 0u; tap < TAPS; tap++) { scores[tap] /= total; }
  return scores;
}
