// What the attention kernels share: how much each key counts for a query. The kernel declares `params` with
// key_length, group_size and last_group, and the bindings `key_weight` (B, Lk) and `groups`.
//
// Every mask is one rule: a query attends the keys of its own group and of the groups before it. Groups are
// numbered by position, or from a tensor; the queries lie at the positions from params.query_offset on.

const KEY_WEIGHT = 0u;   // 0: every key counts 1; 1: key_weight is a mask, 0 hides the key; 2: a factor, at least 0
const MASK = 0u;         // 0: one group; 1: group_size keys each, up to last_group; 2: groups (B) holds the length of
                         // group 0, the rest is group 1; 3: groups (B, Lk) holds the group of each position
alias KeyWeight = f32;

/// Score of a key that is not attended, and the log-sum-exp of a query that attends none.
const LOWEST = -3.4e38;

fn group_at(batch: u32, position: u32) -> u32 {
  switch MASK {
    case 1u: { return min(position / params.group_size, params.last_group); }
    case 2u: { return u32(position >= groups[batch]); }
    case 3u: { return groups[batch * params.key_length + position]; }
    default: { return 0u; }
  }
}

/// Keys at or beyond this index are attended by no query at a position up to `last`.
fn key_end(batch: u32, last: u32) -> u32 {
  switch MASK {
    case 1u: {
      let group = group_at(batch, last);
      if (group < params.last_group) { return min((group + 1) * params.group_size, params.key_length); }
    }
    case 2u: {
      if (last < groups[batch]) { return min(groups[batch], params.key_length); }
    }
    default: {}
  }
  return params.key_length;
}

/// Queries before this index attend no key from `first` on.
fn query_begin(first: u32) -> u32 {
  if (MASK != 1) { return 0u; }
  let position = min(first / params.group_size, params.last_group) * params.group_size;
  return max(position, params.query_offset) - params.query_offset;
}

/// How much a key counts for the queries whose group may attend it.
fn weight_at(batch: u32, key_index: u32) -> f32 {
  switch KEY_WEIGHT {
    case 1u: { return select(0.0, 1.0, key_weight[batch * params.key_length + key_index] != KeyWeight(0)); }
    case 2u: { return f32(key_weight[batch * params.key_length + key_index]); }
    default: { return 1.0; }
  }
}
