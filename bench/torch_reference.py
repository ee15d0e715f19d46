#!/usr/bin/env python3
"""What PyTorch reaches on the same machine, for the sizes of `tal bench`: matmul, attention and conv2d.

    python3 bench/torch_reference.py [--json FILE] [--rounds N]

Medians of N samples, on the first CUDA device where there is one, on the CPU otherwise. f32 is true f32: TF32 is off.
"""
import argparse
import json
import statistics
import time

import torch
import torch.nn.functional as F

# Beyond this many operations a CPU takes minutes.
CPU_LIMIT = 2e10
SHORTEST_SAMPLE_S = 0.02


def matmul(n, dtype, device):
    a, b = (torch.randn(n, n, device=device, dtype=dtype) for _ in range(2))
    return lambda: a @ b, 2 * n**3


def attention(batch, heads, length, head_size, dtype, device):
    flops = 4 * batch * heads * length**2 * head_size
    if not hasattr(F, "scaled_dot_product_attention"):  # older than 2.0
        return None, flops
    q, k, v = (torch.randn(batch, heads, length, head_size, device=device, dtype=dtype) for _ in range(3))
    return lambda: F.scaled_dot_product_attention(q, k, v), flops


def conv2d(batch, channels, height, width, kernel, dtype, device):
    x = torch.randn(batch, channels, height, width, device=device, dtype=dtype)
    weight = torch.randn(channels, channels, kernel, kernel, device=device, dtype=dtype)
    flops = 2 * batch * channels**2 * kernel**2 * height * width
    return lambda: F.conv2d(x, weight, padding=kernel // 2), flops


CASES = [
    *[("matmul", matmul, {"n": n}) for n in (512, 1024, 4096, 8192)],
    *[
        ("attention", attention, dict(zip(("batch", "heads", "length", "head_size"), sizes)))
        for sizes in ((1, 8, 512, 64), (1, 16, 1024, 72), (1, 32, 8192, 128))
    ],
    *[
        ("conv2d", conv2d, {"batch": 1, "channels": 128, "height": 64, "width": 64, "kernel": kernel})
        for kernel in (3, 5, 7, 9)
    ],
    ("conv2d", conv2d, {"batch": 1, "channels": 512, "height": 16, "width": 64, "kernel": 17}),
]


def seconds_each(run, device, rounds):
    """Median time of one call; each sample repeats it until the clock's resolution does not matter."""

    def sample(repeats):
        if device == "cuda":
            torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(repeats):
            run()
        if device == "cuda":
            torch.cuda.synchronize()
        return (time.perf_counter() - start) / repeats

    for _ in range(3):
        sample(1)
    repeats = max(1, int(SHORTEST_SAMPLE_S / max(sample(1), 1e-6)))
    return statistics.median(sample(repeats) for _ in range(rounds))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", help="write the results there")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    name = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    print(f"PyTorch {torch.__version__}, {name}")
    rows = []
    for dtype in (torch.float32, torch.float16) if device == "cuda" else (torch.float32,):
        for operation, make, sizes in CASES:
            run, flops = make(**sizes, dtype=dtype, device=device)
            if run is None or (device == "cpu" and flops > CPU_LIMIT):
                continue
            seconds = seconds_each(run, device, options.rounds)
            row = {
                "operation": operation,
                "size": sizes,
                "dtype": str(dtype).replace("torch.", ""),
                "ms": seconds * 1e3,
                "gflops": flops / seconds / 1e9,
            }
            rows.append(row)
            print(f"{operation:10} {row['dtype']:8} {row['ms']:10.3f} ms {row['gflops']:10.0f} GFLOP/s  {sizes}")
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"torch": torch.__version__, "device": name, "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
