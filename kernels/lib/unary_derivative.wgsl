// Derivatives of the functions of lib/unary.wgsl, under the same numbers. At a kink the side is chosen that PyTorch
// chooses: 0 at 0 for abs and relu, the slope at 0 for leaky_relu, 1 at both ends of clamp.
//! import lib/unary.wgsl

fn activation_derivative(x: f32) -> f32 {
  switch ACTIVATION {
    case 1u: { return select(0.0, 1.0, x > 0.0); }                          // relu
    case 2u: { return select(NEGATIVE_SLOPE, 1.0, x > 0.0); }               // leaky_relu
    case 3u: { return sigmoid(x) * sigmoid(-x); }                           // sigmoid
    case 4u: {                                                              // tanh: 1 - tanh^2 = 4 s(2x) s(-2x)
      return 4.0 * sigmoid(2.0 * x) * sigmoid(-2.0 * x);
    }
    case 5u: { return sigmoid(x) * fma(x, sigmoid(-x), 1.0); }              // silu
    case 6u: {                                                              // gelu: Phi(x) + x phi(x)
      return fma(x, 0.3989422804 * exp(-0.5 * x * x), normal_distribution(x));
    }
    case 7u: {                                                              // gelu_tanh, x s(z)
      let z = 1.5957691216 * fma(0.044715 * x * x, x, x);
      let slope = 1.5957691216 * fma(0.134145 * x, x, 1.0);
      return sigmoid(z) * fma(x * slope, sigmoid(-z), 1.0);
    }
    case 8u: { return sigmoid(x); }                                         // softplus
    default: { return 1.0; }                                                // none
  }
}

fn derivative(x: f32, p: f32, q: f32) -> f32 {
  switch FUNCTION {
    case 1u: { return -1.0; }                                               // neg
    case 2u: { return sign(x); }                                            // abs
    case 3u: { return 0.0; }                                                // sign
    case 4u: { return 2.0 * x; }                                            // square
    case 5u: { return 0.5 * inverseSqrt(x); }                               // sqrt
    case 6u: { return -0.5 * inverseSqrt(x) / x; }                          // rsqrt
    case 7u: { return -1.0 / (x * x); }                                     // reciprocal
    case 8u: { return exp(x); }                                             // exp
    case 9u: { return 1.0 / x; }                                            // log
    case 10u: { return accurate_cos(x); }                                   // sin
    case 11u: { return -accurate_sin(x); }                                  // cos
    case 12u: { return select(0.0, 1.0, x >= p && x <= q); }                // clamp
    case 13u: { return p; }                                                 // scaleShift
    case 14u, 15u: { return 0.0; }                                          // floor, round
    default: { return activation_derivative(x); }
  }
}
