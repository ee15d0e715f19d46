// Functions of one number. `evaluate` is a switch on a constant, so only the chosen branch is compiled.
// The functions are numbered as in src/ops/array/unary.ts; number 0 is the activation function of lib/activation.wgsl.
//! import lib/activation.wgsl
//! import lib/trigonometry.wgsl

const FUNCTION = 0u;

/// p and q are the parameters of the function, where it has any.
fn evaluate(x: f32, p: f32, q: f32) -> f32 {
  switch FUNCTION {
    case 1u: { return -x; }
    case 2u: { return abs(x); }
    case 3u: { return sign(x); }
    case 4u: { return x * x; }
    case 5u: { return sqrt(x); }
    case 6u: { return inverseSqrt(x); }
    case 7u: { return 1.0 / x; }
    case 8u: { return exp(x); }
    case 9u: { return log(x); }
    case 10u: { return accurate_sin(x); }
    case 11u: { return accurate_cos(x); }
    case 12u: { return clamp(x, p, q); }
    case 13u: { return x * p + q; }
    case 14u: { return floor(x); }
    case 15u: { return round(x); }
    default: { return activate(x); }
  }
}
