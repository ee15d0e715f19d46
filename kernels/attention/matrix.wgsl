// Attention with online softmax, as plain.wgsl states it, for GPUs that multiply matrices of a subgroup as one
// instruction. A workgroup takes QUERIES queries of one head. Each of its first SUBGROUPS subgroups has ROWS of them,
// an upper and a lower tile of MATRIX_M rows, and keeps two things in matrices from the first key to the last: its
// queries, and its sums of p_j v_j. A step takes KEYS keys:
//   all invocations bring keys and values to workgroup memory, which the subgroups share;
//   scores = queries . keys^T     by matrices of the subgroup; no program can reach an element of one, so the scores
//   p = exp(scores - reference)   go through workgroup memory, where LANES lanes have a row, four keys each
//   sums += p . values            by matrices again
// The scores of a row are taken relative to a reference, which has been their maximum at some step. Only a score that
// exceeds it by more than SLACK moves it, and then the sums are rescaled by way of workgroup memory. So most steps
// rescale nothing, and exp(SLACK) is still far from the largest f16.
// A factor w_j enters the score as log w_j: p keeps the full precision of Element, whatever the weights.
//
// Operands are Element, sums f32. Head sizes are multiples of four; where matrices reach beyond the head there are
// zeros. Matrices are read from and written to arrays of vectors, with offsets and strides in vectors.
//
// Lists of lines stand where one expects loops (lib/subgroup_matrix.wgsl says why); of each, as many lines count as there
// are tiles. Uniformity is not checked: the analysis takes no vote of a subgroup for uniform.
diagnostic(off, subgroup_uniformity);
requires subgroup_id;
//! import lib/attention_vectors.wgsl
//! import lib/index.wgsl
//! import lib/subgroup_matrix.wgsl

const KEYS = 32u;                                   // of a step: a multiple of MATRIX_M, MATRIX_N and MATRIX_K that
                                                    // divides SUBGROUPS * MATRIX_M
const LANES = KEYS / 4;                             // of a row of scores: at most the size of the smallest subgroup
const ROWS = 2 * MATRIX_M;
const QUERIES = SUBGROUPS * ROWS;
const COLUMNS = (4 * VECTORS + MATRIX_N - 1) / MATRIX_N;   // tiles across the head in sums and values,
const DEPTHS = (4 * VECTORS + MATRIX_K - 1) / MATRIX_K;    // and in queries and keys
const WIDTH = max(COLUMNS * MATRIX_N, DEPTHS * MATRIX_K);
const HEAD_STRIDE = WIDTH / 4 + 2;                  // of rows in workgroup memory, in vectors. The two more spread a
const KEY_STRIDE = LANES + 2;                       // column of a matrix over all banks of the memory
const SLACK = 8.0;
alias Queries = array<Left, 16>;
alias Sums = array<Sum, 16>;

// Rows of HEAD_STRIDE vectors, one a key; once the scores are there, rows of KEY_STRIDE vectors of p, one a query.
var<workgroup> keys: array<vec4<Element>, max(KEYS * HEAD_STRIDE, QUERIES * KEY_STRIDE)>;
var<workgroup> values: array<vec4<Element>, KEYS * HEAD_STRIDE>;
var<workgroup> scores: array<vec4f, QUERIES * KEY_STRIDE>;       // also sums of MATRIX_N columns on their way
var<workgroup> totals: array<f32, QUERIES * LANES>;              // sum_j p_j of the keys of each lane of a row
var<workgroup> references: array<f32, QUERIES>;
var<workgroup> factors: array<f32, QUERIES>;                     // for the sums of each row
var<workgroup> query_groups: array<u32, QUERIES>;
var<workgroup> key_groups: array<vec4u, LANES>;
var<workgroup> key_terms: array<vec4f, LANES>;                   // what a key adds to its scores; LOWEST: not attended
var<workgroup> stale: array<bool, SUBGROUPS>;                    // whether the sums of a subgroup must be rescaled

/// What the workgroup works at.
struct Place {
  batch: u32,
  first: u32,        // its first query in the head
  first_row: u32,    // of the head in query,
  first_key: u32,    // in key and value,
  first_bias: u32,   // and in bias, in elements
}
var<private> place: Place;
var<private> subgroup: u32;
var<private> lane: u32;
var<private> lanes: u32;

/// Whether the subgroup has queries.
fn works() -> bool {
  return subgroup < SUBGROUPS;
}

/// Where the subgroup's row r stands in workgroup memory. Subgroups that do not work look at the rows of the last one.
fn own(r: u32) -> u32 {
  return min(subgroup, SUBGROUPS - 1) * ROWS + r;
}

/// The row of `query` at an index of the workgroup; queries beyond the last repeat it and are not stored.
fn query_row(i: u32) -> u32 {
  return place.first_row + min(place.first + i, params.query_length - 1);
}

/// Vector x of a row of heads, zeros beyond the head.
fn head_vector(heads: ptr<storage, array<vec4<Element>>, read>, row: u32, x: u32) -> vec4<Element> {
  return select(vec4<Element>(), heads[row * VECTORS + min(x, VECTORS - 1)], x < VECTORS);
}

/// Brings the upper tiles of the queries of some subgroups to `keys` and the lower ones to `values`.
fn stage_queries(first_subgroup: u32, local: u32) {
  for (var n = local; n < KEYS * WIDTH / 4; n += WORKGROUP) {
    let row = n / (WIDTH / 4);
    let x = n % (WIDTH / 4);
    let i = (first_subgroup + row / MATRIX_M) * ROWS + row % MATRIX_M;
    keys[row * HEAD_STRIDE + x] = head_vector(&query, query_row(i), x);
    values[row * HEAD_STRIDE + x] = head_vector(&query, query_row(i + MATRIX_M), x);
  }
}

/// Brings the keys and values of a step, and what decides who attends them.
fn stage_keys(tile: u32, end: u32, local: u32) {
  const vectors = KEYS * WIDTH / 4;
  for (var turn = 0u; turn < (vectors + WORKGROUP - 1) / WORKGROUP; turn++) {
    let n = turn * WORKGROUP + local;
    if (vectors % WORKGROUP == 0 || n < vectors) {
      let row = n / (WIDTH / 4);
      let x = n % (WIDTH / 4);
      let j = place.first_key + min(tile + row, params.key_length - 1);
      keys[row * HEAD_STRIDE + x] = head_vector(&key, j, x);
      values[row * HEAD_STRIDE + x] = head_vector(&value, j, x);
    }
  }
  if (local < LANES) {
    for (var e = 0u; e < 4; e++) {
      let j = tile + 4 * local + e;
      let weight = select(0.0, weight_at(place.batch, min(j, params.key_length - 1)), j < end);
      key_terms[local][e] = select(LOWEST, log(weight), weight > 0);
      key_groups[local][e] = group_at(place.batch, min(j, params.key_length - 1));
    }
  }
}

/// Where stage_queries puts the subgroup's tiles.
fn staged_query(depth: u32) -> u32 {
  return subgroup % (KEYS / MATRIX_M) * MATRIX_M * HEAD_STRIDE + depth * MATRIX_K / 4;
}

fn upper_query(depth: u32) -> Left {
  return subgroupMatrixLoad<Left, row_major>(&keys, staged_query(depth), HEAD_STRIDE);
}

fn lower_query(depth: u32) -> Left {
  return subgroupMatrixLoad<Left, row_major>(&values, staged_query(depth), HEAD_STRIDE);
}

/// Of the transposed keys.
fn key_tile(column: u32, depth: u32) -> Right {
  let start = column * MATRIX_N * HEAD_STRIDE + depth * MATRIX_K / 4;
  return subgroupMatrixLoad<Right, col_major>(&keys, start, HEAD_STRIDE);
}

fn value_tile(depth: u32, column: u32) -> Right {
  let start = depth * MATRIX_K * HEAD_STRIDE + column * MATRIX_N / 4;
  return subgroupMatrixLoad<Right, row_major>(&values, start, HEAD_STRIDE);
}

fn p_tile(row: u32, depth: u32) -> Left {
  return subgroupMatrixLoad<Left, row_major>(&keys, own(row) * KEY_STRIDE + depth * MATRIX_K / 4, KEY_STRIDE);
}

fn take_queries(upper: ptr<function, Queries>, lower: ptr<function, Queries>) {
  if (DEPTHS > 0) { upper[0] = upper_query(0); lower[0] = lower_query(0); }
  if (DEPTHS > 1) { upper[1] = upper_query(1); lower[1] = lower_query(1); }
  if (DEPTHS > 2) { upper[2] = upper_query(2); lower[2] = lower_query(2); }
  if (DEPTHS > 3) { upper[3] = upper_query(3); lower[3] = lower_query(3); }
  if (DEPTHS > 4) { upper[4] = upper_query(4); lower[4] = lower_query(4); }
  if (DEPTHS > 5) { upper[5] = upper_query(5); lower[5] = lower_query(5); }
  if (DEPTHS > 6) { upper[6] = upper_query(6); lower[6] = lower_query(6); }
  if (DEPTHS > 7) { upper[7] = upper_query(7); lower[7] = lower_query(7); }
  if (DEPTHS > 8) { upper[8] = upper_query(8); lower[8] = lower_query(8); }
  if (DEPTHS > 9) { upper[9] = upper_query(9); lower[9] = lower_query(9); }
  if (DEPTHS > 10) { upper[10] = upper_query(10); lower[10] = lower_query(10); }
  if (DEPTHS > 11) { upper[11] = upper_query(11); lower[11] = lower_query(11); }
  if (DEPTHS > 12) { upper[12] = upper_query(12); lower[12] = lower_query(12); }
  if (DEPTHS > 13) { upper[13] = upper_query(13); lower[13] = lower_query(13); }
  if (DEPTHS > 14) { upper[14] = upper_query(14); lower[14] = lower_query(14); }
  if (DEPTHS > 15) { upper[15] = upper_query(15); lower[15] = lower_query(15); }
}

/// Scores of the subgroup's queries and the staged keys, not scaled yet.
fn multiply_keys(upper: ptr<function, Queries>, lower: ptr<function, Queries>) {
  if (KEYS / MATRIX_N > 0) { multiply_key_tiles(0, upper, lower); }
  if (KEYS / MATRIX_N > 1) { multiply_key_tiles(1, upper, lower); }
  if (KEYS / MATRIX_N > 2) { multiply_key_tiles(2, upper, lower); }
  if (KEYS / MATRIX_N > 3) { multiply_key_tiles(3, upper, lower); }
}

fn multiply_key_tiles(n: u32, upper: ptr<function, Queries>, lower: ptr<function, Queries>) {
  var a = Sum();
  var b = Sum();
  if (DEPTHS > 0) { let k = key_tile(n, 0); a = times(upper[0], k, a); b = times(lower[0], k, b); }
  if (DEPTHS > 1) { let k = key_tile(n, 1); a = times(upper[1], k, a); b = times(lower[1], k, b); }
  if (DEPTHS > 2) { let k = key_tile(n, 2); a = times(upper[2], k, a); b = times(lower[2], k, b); }
  if (DEPTHS > 3) { let k = key_tile(n, 3); a = times(upper[3], k, a); b = times(lower[3], k, b); }
  if (DEPTHS > 4) { let k = key_tile(n, 4); a = times(upper[4], k, a); b = times(lower[4], k, b); }
  if (DEPTHS > 5) { let k = key_tile(n, 5); a = times(upper[5], k, a); b = times(lower[5], k, b); }
  if (DEPTHS > 6) { let k = key_tile(n, 6); a = times(upper[6], k, a); b = times(lower[6], k, b); }
  if (DEPTHS > 7) { let k = key_tile(n, 7); a = times(upper[7], k, a); b = times(lower[7], k, b); }
  if (DEPTHS > 8) { let k = key_tile(n, 8); a = times(upper[8], k, a); b = times(lower[8], k, b); }
  if (DEPTHS > 9) { let k = key_tile(n, 9); a = times(upper[9], k, a); b = times(lower[9], k, b); }
  if (DEPTHS > 10) { let k = key_tile(n, 10); a = times(upper[10], k, a); b = times(lower[10], k, b); }
  if (DEPTHS > 11) { let k = key_tile(n, 11); a = times(upper[11], k, a); b = times(lower[11], k, b); }
  if (DEPTHS > 12) { let k = key_tile(n, 12); a = times(upper[12], k, a); b = times(lower[12], k, b); }
  if (DEPTHS > 13) { let k = key_tile(n, 13); a = times(upper[13], k, a); b = times(lower[13], k, b); }
  if (DEPTHS > 14) { let k = key_tile(n, 14); a = times(upper[14], k, a); b = times(lower[14], k, b); }
  if (DEPTHS > 15) { let k = key_tile(n, 15); a = times(upper[15], k, a); b = times(lower[15], k, b); }
  subgroupMatrixStore<row_major>(&scores, own(0) * KEY_STRIDE + n * MATRIX_N / 4, a, KEY_STRIDE);
  subgroupMatrixStore<row_major>(&scores, own(MATRIX_M) * KEY_STRIDE + n * MATRIX_N / 4, b, KEY_STRIDE);
}

/// Adds p_j v_j of the staged values.
fn multiply_values(upper: ptr<function, Sums>, lower: ptr<function, Sums>) {
  if (KEYS / MATRIX_K > 0) { multiply_value_tiles(0, upper, lower); }
  if (KEYS / MATRIX_K > 1) { multiply_value_tiles(1, upper, lower); }
  if (KEYS / MATRIX_K > 2) { multiply_value_tiles(2, upper, lower); }
  if (KEYS / MATRIX_K > 3) { multiply_value_tiles(3, upper, lower); }
}

fn multiply_value_tiles(k: u32, upper: ptr<function, Sums>, lower: ptr<function, Sums>) {
  let p = p_tile(0, k);          // of the upper rows
  let q = p_tile(MATRIX_M, k);   // of the lower rows
  if (COLUMNS > 0) { let v = value_tile(k, 0); upper[0] = times(p, v, upper[0]); lower[0] = times(q, v, lower[0]); }
  if (COLUMNS > 1) { let v = value_tile(k, 1); upper[1] = times(p, v, upper[1]); lower[1] = times(q, v, lower[1]); }
  if (COLUMNS > 2) { let v = value_tile(k, 2); upper[2] = times(p, v, upper[2]); lower[2] = times(q, v, lower[2]); }
  if (COLUMNS > 3) { let v = value_tile(k, 3); upper[3] = times(p, v, upper[3]); lower[3] = times(q, v, lower[3]); }
  if (COLUMNS > 4) { let v = value_tile(k, 4); upper[4] = times(p, v, upper[4]); lower[4] = times(q, v, lower[4]); }
  if (COLUMNS > 5) { let v = value_tile(k, 5); upper[5] = times(p, v, upper[5]); lower[5] = times(q, v, lower[5]); }
  if (COLUMNS > 6) { let v = value_tile(k, 6); upper[6] = times(p, v, upper[6]); lower[6] = times(q, v, lower[6]); }
  if (COLUMNS > 7) { let v = value_tile(k, 7); upper[7] = times(p, v, upper[7]); lower[7] = times(q, v, lower[7]); }
  if (COLUMNS > 8) { let v = value_tile(k, 8); upper[8] = times(p, v, upper[8]); lower[8] = times(q, v, lower[8]); }
  if (COLUMNS > 9) { let v = value_tile(k, 9); upper[9] = times(p, v, upper[9]); lower[9] = times(q, v, lower[9]); }
  if (COLUMNS > 10) { let v = value_tile(k, 10); upper[10] = times(p, v, upper[10]); lower[10] = times(q, v, lower[10]); }
  if (COLUMNS > 11) { let v = value_tile(k, 11); upper[11] = times(p, v, upper[11]); lower[11] = times(q, v, lower[11]); }
  if (COLUMNS > 12) { let v = value_tile(k, 12); upper[12] = times(p, v, upper[12]); lower[12] = times(q, v, lower[12]); }
  if (COLUMNS > 13) { let v = value_tile(k, 13); upper[13] = times(p, v, upper[13]); lower[13] = times(q, v, lower[13]); }
  if (COLUMNS > 14) { let v = value_tile(k, 14); upper[14] = times(p, v, upper[14]); lower[14] = times(q, v, lower[14]); }
  if (COLUMNS > 15) { let v = value_tile(k, 15); upper[15] = times(p, v, upper[15]); lower[15] = times(q, v, lower[15]); }
}

/// Multiplies the rows of the sums by `factors`; at the end they go to the output.
fn scale_sums(upper: ptr<function, Sums>, lower: ptr<function, Sums>, end: bool) {
  if (COLUMNS > 0) { scale_tiles(upper[0], lower[0], 0, end); upper[0] = scaled(0); lower[0] = scaled(MATRIX_M); }
  if (COLUMNS > 1) { scale_tiles(upper[1], lower[1], 1, end); upper[1] = scaled(0); lower[1] = scaled(MATRIX_M); }
  if (COLUMNS > 2) { scale_tiles(upper[2], lower[2], 2, end); upper[2] = scaled(0); lower[2] = scaled(MATRIX_M); }
  if (COLUMNS > 3) { scale_tiles(upper[3], lower[3], 3, end); upper[3] = scaled(0); lower[3] = scaled(MATRIX_M); }
  if (COLUMNS > 4) { scale_tiles(upper[4], lower[4], 4, end); upper[4] = scaled(0); lower[4] = scaled(MATRIX_M); }
  if (COLUMNS > 5) { scale_tiles(upper[5], lower[5], 5, end); upper[5] = scaled(0); lower[5] = scaled(MATRIX_M); }
  if (COLUMNS > 6) { scale_tiles(upper[6], lower[6], 6, end); upper[6] = scaled(0); lower[6] = scaled(MATRIX_M); }
  if (COLUMNS > 7) { scale_tiles(upper[7], lower[7], 7, end); upper[7] = scaled(0); lower[7] = scaled(MATRIX_M); }
  if (COLUMNS > 8) { scale_tiles(upper[8], lower[8], 8, end); upper[8] = scaled(0); lower[8] = scaled(MATRIX_M); }
  if (COLUMNS > 9) { scale_tiles(upper[9], lower[9], 9, end); upper[9] = scaled(0); lower[9] = scaled(MATRIX_M); }
  if (COLUMNS > 10) { scale_tiles(upper[10], lower[10], 10, end); upper[10] = scaled(0); lower[10] = scaled(MATRIX_M); }
  if (COLUMNS > 11) { scale_tiles(upper[11], lower[11], 11, end); upper[11] = scaled(0); lower[11] = scaled(MATRIX_M); }
  if (COLUMNS > 12) { scale_tiles(upper[12], lower[12], 12, end); upper[12] = scaled(0); lower[12] = scaled(MATRIX_M); }
  if (COLUMNS > 13) { scale_tiles(upper[13], lower[13], 13, end); upper[13] = scaled(0); lower[13] = scaled(MATRIX_M); }
  if (COLUMNS > 14) { scale_tiles(upper[14], lower[14], 14, end); upper[14] = scaled(0); lower[14] = scaled(MATRIX_M); }
  if (COLUMNS > 15) { scale_tiles(upper[15], lower[15], 15, end); upper[15] = scaled(0); lower[15] = scaled(MATRIX_M); }
}

/// Multiplies the rows of two tiles of the sums, from column `column` * MATRIX_N on, by `factors`, in workgroup memory.
fn scale_tiles(upper: Sum, lower: Sum, column: u32, end: bool) {
  workgroupBarrier();   // the tiles before these have been taken
  if (works()) {
    subgroupMatrixStore<row_major>(&scores, own(0) * KEY_STRIDE, upper, KEY_STRIDE);
    subgroupMatrixStore<row_major>(&scores, own(MATRIX_M) * KEY_STRIDE, lower, KEY_STRIDE);
  }
  workgroupBarrier();
  if (works()) {
    for (var n = lane; n < ROWS * MATRIX_N / 4; n += lanes) {
      let row = own(n / (MATRIX_N / 4));
      let vector = n % (MATRIX_N / 4);
      let at = row * KEY_STRIDE + vector;
      let x = column * MATRIX_N / 4 + vector;
      let sum = scores[at] * factors[row];
      if (!end) {
        scores[at] = sum;
      } else if (x < VECTORS && place.first + row < params.query_length) {
        output[query_row(row) * VECTORS + x] = vec4<Element>(sum);
      }
    }
  }
  workgroupBarrier();
}

/// A tile that scale_tiles left in workgroup memory.
fn scaled(row: u32) -> Sum {
  return subgroupMatrixLoad<Sum, row_major>(&scores, own(row) * KEY_STRIDE, KEY_STRIDE);
}

/// Scores of row `row` and this lane's four keys, from key `j` on; LOWEST where it does not attend a key.
fn attended_scores(row: u32, j: u32, terms: vec4f, groups_of_keys: vec4u) -> vec4f {
  var score = params.scale * scores[row * KEY_STRIDE + lane % LANES] + terms;
  if (HAS_BIAS) {
    let i = min(place.first + row, params.query_length - 1);
    for (var e = 0u; e < 4; e++) {
      score[e] += f32(bias[place.first_bias + i * params.bias_row + min(j + e, params.key_length - 1)]);
    }
  }
  var attended = terms > vec4f(LOWEST);
  if (MASK != 0) { attended &= groups_of_keys <= vec4u(query_groups[row]); }
  return select(vec4f(LOWEST), score, attended);
}

fn largest(x: vec4f) -> f32 {
  return max(max(x.x, x.y), max(x.z, x.w));
}

/// The maximum over the lanes of a row.
fn row_maximum(own_maximum: vec2f) -> vec2f {
  var result = own_maximum;
  for (var step = 1u; step < LANES; step *= 2) { result = max(result, subgroupShuffleXor(result, step)); }
  return result;
}

/// From scores to p of the subgroup's rows, and all that follows for references, factors and totals.
fn weigh(tile: u32) {
  let quad = lane % LANES;
  let terms = key_terms[quad];
  let groups_of_keys = key_groups[quad];
  var rescale = false;
  for (var r = 0u; r < MATRIX_M; r += lanes / LANES) {
    // A row of the upper tile together with one of the lower, so that one does not wait while the other could go on.
    let row = vec2u(own(min(r + lane / LANES, MATRIX_M - 1))) + vec2u(0, MATRIX_M);
    let upper = attended_scores(row.x, tile + 4 * quad, terms, groups_of_keys);
    let lower = attended_scores(row.y, tile + 4 * quad, terms, groups_of_keys);
    let maximum = vec2f(largest(upper), largest(lower));
    let before = vec2f(references[row.x], references[row.y]);
    var reference = before;
    var factor = vec2f(1);
    if (subgroupAny(any(maximum > before + SLACK))) {
      reference = max(before, row_maximum(maximum));
      factor = exp(before - reference);
      rescale |= any((factor < vec2f(1)) & (before > vec2f(LOWEST)));
    }
    let p = select(vec4f(), exp(upper - reference.x), upper > vec4f(LOWEST));
    let q = select(vec4f(), exp(lower - reference.y), lower > vec4f(LOWEST));
    if (r + lane / LANES < MATRIX_M) {
      keys[row.x * KEY_STRIDE + quad] = vec4<Element>(p);
      keys[row.y * KEY_STRIDE + quad] = vec4<Element>(q);
      totals[row.x * LANES + quad] = totals[row.x * LANES + quad] * factor.x + dot(p, vec4f(1));
      totals[row.y * LANES + quad] = totals[row.y * LANES + quad] * factor.y + dot(q, vec4f(1));
      if (quad == 0) {
        references[row.x] = reference.x;
        references[row.y] = reference.y;
        factors[row.x] = factor.x;
        factors[row.y] = factor.y;
      }
    }
  }
  let any_row = subgroupAny(rescale);
  if (lane == 0) { stale[subgroup] = any_row; }
}

/// Makes `factors` the reciprocals of the totals, and writes log_sum_exp.
fn finish_rows() {
  for (var r = lane; r < ROWS; r += lanes) {
    let row = own(r);
    var total = 0.0;
    for (var n = 0u; n < LANES; n++) { total += totals[row * LANES + n]; }
    let any = total > 0;
    factors[row] = select(0.0, 1 / total, any);
    if (HAS_LOG_SUM_EXP && place.first + row < params.query_length) {
      log_sum_exp[query_row(row)] = select(LOWEST, references[row] + log(total), any);
    }
  }
}

@compute @workgroup_size(WORKGROUP)
fn attention_matrix(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_id) subgroup_id: u32,
  @builtin(subgroup_invocation_id) subgroup_lane: u32,
  @builtin(subgroup_size) subgroup_size: u32,
) {
  let tiles = (params.query_length + QUERIES - 1) / QUERIES;
  let index = linear_workgroup(workgroup, workgroups);
  let batch_head = index / tiles;
  let batch = batch_head / params.heads;
  let head = batch_head % params.heads;
  if (batch >= params.batches) { return; }
  let first = index % tiles * QUERIES;
  let last = params.query_offset + min(first + QUERIES, params.query_length) - 1;
  let key_head = batch * params.key_heads + head / (params.heads / params.key_heads);
  let first_bias = batch * params.bias_batch + head * params.bias_head;
  place = Place(batch, first, batch_head * params.query_length, key_head * params.key_length, first_bias);
  subgroup = subgroup_id;
  lane = subgroup_lane;
  lanes = subgroup_size;

  for (var n = local; n < QUERIES; n += WORKGROUP) {
    references[n] = LOWEST;
    query_groups[n] = group_at(batch, min(params.query_offset + first + n, last));
  }
  var upper_queries: Queries;
  var lower_queries: Queries;
  for (var s = 0u; s < SUBGROUPS; s += KEYS / MATRIX_M) {
    stage_queries(s, local);
    workgroupBarrier();
    if (subgroup >= s && subgroup < s + KEYS / MATRIX_M) { take_queries(&upper_queries, &lower_queries); }
    workgroupBarrier();
  }

  var upper: Sums;
  var lower: Sums;
  let end = key_end(batch, last);
  for (var tile = 0u; tile < end; tile += KEYS) {
    stage_keys(tile, end, local);
    workgroupBarrier();
    if (works()) { multiply_keys(&upper_queries, &lower_queries); }
    workgroupBarrier();
    if (works()) { weigh(tile); }
    let rescale = workgroupUniformLoad(&stale);
    if (rescale[0] || rescale[1] || rescale[2] || rescale[3]) { scale_sums(&upper, &lower, false); }
    if (works()) { multiply_values(&upper, &lower); }
    workgroupBarrier();
  }

  if (works()) { finish_rows(); }
  scale_sums(&upper, &lower, true);
}
