// Reductions to one number, as a state that absorbs elements and merges with other states. All are a switch on a
// constant, so only the chosen branch is compiled. The numbers are those of src/ops/array/reduce.ts. The result of a part can
// be absorbed like an element, so that parts may be reduced first.
//! import lib/exponential_sum.wgsl

const REDUCTION = 0u;
const LOWEST = -3.4028234e38;

/// A state is a pair of which only log_sum_exp needs both numbers.
fn initial_state() -> vec2f {
  switch REDUCTION {
    case 1u: { return vec2f(LOWEST, 0.0); }
    case 2u: { return vec2f(-LOWEST, 0.0); }
    case 3u: { return vec2f(1.0, 0.0); }
    case 5u: { return NO_EXPONENTIALS; }
    default: { return vec2f(); }
  }
}

fn absorb(state: vec2f, x: f32) -> vec2f {
  switch REDUCTION {
    case 1u: { return vec2f(max(state.x, x), 0.0); }
    case 2u: { return vec2f(min(state.x, x), 0.0); }
    case 3u: { return vec2f(state.x * x, 0.0); }
    case 4u: { return vec2f(state.x + x * x, 0.0); }     // l2_norm
    case 5u: { return add_exponential(state, x); }       // log_sum_exp
    default: { return vec2f(state.x + x, 0.0); }         // sum
  }
}

fn merge(a: vec2f, b: vec2f) -> vec2f {
  switch REDUCTION {
    case 1u: { return vec2f(max(a.x, b.x), 0.0); }
    case 2u: { return vec2f(min(a.x, b.x), 0.0); }
    case 3u: { return vec2f(a.x * b.x, 0.0); }
    case 5u: { return join_exponentials(a, b); }
    default: { return vec2f(a.x + b.x, 0.0); }
  }
}

fn result_of(state: vec2f) -> f32 {
  switch REDUCTION {
    case 4u: { return sqrt(state.x); }
    case 5u: { return state.x + log(state.y); }
    default: { return state.x; }
  }
}
