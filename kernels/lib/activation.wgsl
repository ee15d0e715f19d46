// Activation functions. `activate` is a switch on a constant, so only the chosen branch is compiled.
// The numbers are those of src/ops/activation.ts.

const ACTIVATION = 0u;
const NEGATIVE_SLOPE = 0.01;

/// 1 / (1 + e^-x), without an exponential that overflows.
fn sigmoid(x: f32) -> f32 {
  let e = exp(-abs(x));
  return select(1.0, e, x < 0.0) / (1.0 + e);
}

/// tanh to f32 accuracy for every x. The built-in may overflow for large |x| and may lose all relative accuracy
/// for small |x|. Near zero, x + x^3 p(x^2) with p a minimax fit (ours, relative error 1.5e-8).
fn tanh_stable(x: f32) -> f32 {
  let u = x * x;
  let p = fma(fma(fma(0.0172569939, u, -0.0530529519), u, 0.133259873), u, -0.333331484);
  let e = exp(-2.0 * abs(x));
  return select(sign(x) * (1.0 - e) / (1.0 + e), fma(x * u, p, x), abs(x) < 0.5);
}

/// The standard normal distribution function (1 + erf(x / sqrt 2)) / 2 to f32 accuracy. Minimax fits (ours):
/// 1/2 + x p(x^2) for |x| < 1 (7e-10), and beyond e^(-x^2 / 2) t q(t) with t = 1 / (1 + 0.4 |x|) (8e-8), which
/// stays accurate far into the lower tail.
fn normal_distribution(x: f32) -> f32 {
  let u = x * x;
  let p = fma(fma(fma(fma(fma(-7.65420868e-6, u, 1.13486373e-4), u, -1.18632994e-3), u, 9.97332341e-3), u,
    -0.0664903599), u, 0.39894228);
  let t = 1.0 / (1.0 + 0.4 * abs(x));
  let q = fma(fma(fma(fma(fma(fma(0.0681213827, t, -0.186428034), t, 0.105363201), t, 0.0555405397), t,
    0.139002313), t, 0.15909999), t, 0.159595783);
  let tail = exp(-0.5 * u) * t * q;
  return select(select(1.0 - tail, tail, x < 0.0), fma(x, p, 0.5), abs(x) < 1.0);
}

fn activate(x: f32) -> f32 {
  switch ACTIVATION {
    case 1u: { return max(x, 0.0); }                                        // relu
    case 2u: { return select(NEGATIVE_SLOPE * x, x, x >= 0.0); }            // leaky_relu
    case 3u: { return sigmoid(x); }                                         // sigmoid
    case 4u: { return tanh_stable(x); }                                     // tanh
    case 5u: { return x * sigmoid(x); }                                     // silu
    case 6u: { return x * normal_distribution(x); }                         // gelu, exact
    case 7u: {                                                              // gelu_tanh
      return x * sigmoid(1.5957691216 * fma(0.044715 * x * x, x, x));       // (1 + tanh z) / 2 = sigmoid 2z
    }
    case 8u: { return max(x, 0.0) + log(1.0 + exp(-abs(x))); }              // softplus
    default: { return x; }                                                  // none
  }
}
