// Functions of two numbers. `combine` is a switch on a constant, so only the chosen branch is compiled.
// The operators are numbered as in src/ops/array/binary.ts. It serves one number or four at once: the importing kernel
// declares Number (f32, i32 or u32) and Wide, which is Number or a vector of four.

const OPERATOR = 0u;
alias WideFloat = f32;   // Wide with f32 elements

/// |a|^b, negative for a negative base and an odd whole exponent; 1 where b is 0.
fn power(a: WideFloat, b: WideFloat) -> WideFloat {
  let magnitude = select(pow(abs(a), b), WideFloat(1), b == WideFloat(0));
  let odd = abs(b - 2 * floor(b * 0.5)) == WideFloat(1);
  return select(magnitude, -magnitude, (a < WideFloat(0)) & odd);
}

fn combine(a: Wide, b: Wide) -> Wide {
  switch OPERATOR {
    case 0u: { return a + b; }
    case 1u: { return a - b; }
    case 2u: { return a * b; }
    case 3u: { return a / b; }
    case 4u: { return max(a, b); }
    case 5u: { return min(a, b); }
    case 6u: { return Wide(power(WideFloat(a), WideFloat(b))); }
    case 7u: { return Wide(a == b); }
    case 8u: { return Wide(a != b); }
    case 9u: { return Wide(a < b); }
    case 10u: { return Wide(a <= b); }
    case 11u: { return Wide(a > b); }
    default: { return Wide(a >= b); }
  }
}
