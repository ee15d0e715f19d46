#!/usr/bin/env python3
"""Writes golden/mdvlm-objective.safetensors: a second realisation of MDVLM-TAL's training losses, in PyTorch.

The network is a toy whose hidden states depend on the tokens: base + E[x] + the mean of E[x] over the answer, with the
vocabulary matrix E of its last layer. The losses are those of src/models/mdvlm/{masking,objective,iou-reward}.ts, written
from their formulas, in double precision; overlaps and commits are loops.

The file holds input/NAME, expected/LOSS, and gradient/LOSS/NAME by the base and the matrix. Made with PyTorch 1.13.
"""
import json
import pathlib
import struct

import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
torch.manual_seed(5)

answers, length, spans, depth, vocabulary = 3, 8, 2, 6, 40
first_time, times, mask = 11, 13, 39
rho, time_weight, lateness, largest = 0.6, 2.0, 1.5, 5.0
samples = 5

# Where the spans are; the last answer has one, and its second is beyond the answer.
positions = torch.tensor([[[0, 1], [4, 5]], [[1, 2], [6, 7]], [[2, 3], [8, 8]]])
ratios = [0.35, 0.8, 0.15]

f32 = lambda x: x.float().double()
base = f32(torch.randn(answers, length, depth))
matrix = f32(torch.randn(vocabulary, depth) * 0.8)
targets = torch.randint(first_time, (answers, length))
truths = torch.zeros(answers, spans, 2)
for b in range(answers):
    for s in range(spans):
        start, end = sorted((torch.rand(2) * (times - 1)).tolist())
        truths[b, s] = torch.tensor([start, max(end, start + 1.5)])
        for i, at in enumerate(positions[b, s]):
            if at < length:
                targets[b, at] = first_time + round(float(truths[b, s, i])) % times
truths = f32(truths)
present = (positions[:, :, 0] < length).double()
span_weights = f32(present / present.sum(1, keepdim=True) / answers)
is_time = torch.zeros(answers, length, dtype=bool)
for b, s in present.nonzero().tolist():
    is_time[b, positions[b, s]] = True

uniform = torch.rand(answers, length) < torch.tensor(ratios)[:, None]
planned = torch.rand(answers, length) < 0.6
# Of the first answer one span is masked whole, of the other its end; of the second all; of the third its span.
planned[0, positions[0, 0]] = True
planned[0, 4], planned[0, 5] = False, True
planned[1, positions[1].flatten()] = True
planned[2, positions[2, 0]] = True
noise = f32(-torch.log(-torch.log(torch.rand(3, answers, 2 * spans, samples, times).clamp(1e-6, 1 - 1e-6))))


def hidden_of(base, matrix, tokens):
    embedded = matrix[tokens]
    return base + embedded + embedded.mean(1, keepdim=True)


def cross_entropy(base, matrix, masked, weights):
    tokens = torch.where(masked, torch.full_like(targets, mask), targets)
    logits = hidden_of(base, matrix, tokens) @ matrix.T
    losses = logits.logsumexp(-1) - logits.gather(-1, targets[..., None])[..., 0]
    return (losses * weights).sum()


def weights_of(kind, masked):
    weights = torch.zeros(answers, length)
    for b, i in masked.nonzero().tolist():
        t = ratios[b]
        if kind == "complementary":
            w = 1.0
        elif kind == "uniform" or not is_time[b, i]:
            w = 1 / t
        elif kind == "planned":
            w = 1 / min(1.0, t / rho)
        else:
            w = time_weight * (1 - t) ** lateness / t if t < rho else 0.0
        weights[b, i] = min(w, largest) / length / answers
    return weights


def overlap(i, j, start, end, order):
    if i > j and order == "zero":
        return 0.0
    low, high = min(i, j), max(i, j)
    common = max(0.0, min(high, end) - max(low, start))
    return common / (high - low + end - start - common)


def table(b, s, order):
    start, end = truths[b, s].tolist()
    return torch.tensor([[overlap(i, j, start, end, order) for j in range(times)] for i in range(times)])


closest = torch.inf


def iou_loss(base, matrix, steps, kappa, order, policy):
    global closest
    shares = [((k + 1) / steps) ** kappa for k in range(steps)]
    tokens = torch.where(planned, torch.full_like(targets, mask), targets)
    loss = 0
    for k in range(steps):
        logits = (hidden_of(base, matrix, tokens) @ matrix.T)[..., first_time : first_time + times]
        following = tokens.clone()
        for b in range(answers):
            open_slots = []
            for s in range(spans):
                if not present[b, s]:
                    continue
                laws = []
                for end in range(2):
                    at = positions[b, s, end]
                    if tokens[b, at] == mask:
                        p = logits[b, at].softmax(-1)
                        open_slots.append((float(p.max()), at, int(p.argmax())))
                        top = p.topk(2).values
                        closest = min(closest, float(top[0] - top[1]))
                    else:
                        p = torch.nn.functional.one_hot(tokens[b, at] - first_time, times).double()
                    laws.append(p)
                overlaps = table(b, s, order)
                if policy:
                    drawn, logs = [], torch.zeros(samples)
                    for end in range(2):
                        at = positions[b, s, end]
                        if tokens[b, at] == mask:
                            chosen = (laws[end].log() + noise[k, b, 2 * s + end]).argmax(-1)
                            logs = logs + laws[end].log()[chosen]
                        else:
                            chosen = (tokens[b, at] - first_time).expand(samples)
                        drawn.append(chosen)
                    reward = overlaps[drawn[0], drawn[1]]
                    rest = reward - reward.mean()
                    advantage = rest / ((rest**2).mean().sqrt() + 1e-4)
                    value = (advantage * logs).mean()
                else:
                    value = laws[0] @ overlaps @ laws[1]
                loss = loss - shares[k] / sum(shares) * span_weights[b, s] * value
            # As many as fill all slots in equal steps, rounded up, the most certain first.
            open_slots.sort(key=lambda slot: -slot[0])
            for (a, *_), (c, *_) in zip(open_slots, open_slots[1:]):
                closest = min(closest, a - c)
            for _, at, best in open_slots[: -(-len(open_slots) // (steps - k))]:
                following[b, at] = first_time + best
        tokens = following
    return loss


losses = {
    "sequence": lambda e, m: cross_entropy(e, m, uniform, weights_of("uniform", uniform)),
    "complementary": lambda e, m: cross_entropy(e, m, uniform, weights_of("complementary", uniform))
    + cross_entropy(e, m, ~uniform, weights_of("complementary", ~uniform)),
    "boundary": lambda e, m: cross_entropy(e, m, planned, weights_of("planned", planned)),
    "plan": lambda e, m: cross_entropy(e, m, planned, weights_of("step-weighted", planned)),
    "iou": lambda e, m: iou_loss(e, m, 2, 1.0, "zero", False),
    "iou-sorted": lambda e, m: iou_loss(e, m, 3, 0.5, "sorted", False),
    "iou-policy": lambda e, m: iou_loss(e, m, 2, 1.0, "zero", True),
}
losses["total"] = lambda e, m: losses["sequence"](e, m) + 0.7 * losses["plan"](e, m) + 0.3 * losses["iou"](e, m)

tensors = {
    "input/base": base,
    "input/matrix": matrix,
    "input/targets": targets,
    "input/positions": positions,
    "input/truths": truths,
    "input/spanWeights": span_weights,
    "input/uniform": uniform,
    "input/planned": planned,
    "input/noise": noise,
}
for name, loss in losses.items():
    e, m = base.clone().requires_grad_(), matrix.clone().requires_grad_()
    value = loss(e, m)
    value.backward()
    tensors[f"expected/{name}"] = value.reshape(1)
    tensors[f"gradient/{name}/base"] = e.grad
    tensors[f"gradient/{name}/matrix"] = m.grad
assert closest > 1e-4, f"a decision depends on {closest}: choose another seed"

metadata = {
    "settings": json.dumps(
        dict(
            **dict(ratios=ratios, maskId=mask, firstId=first_time, count=times, samples=samples),
            plan=dict(rho=rho, timeWeight=time_weight, lateness=lateness, largestWeight=largest),
        )
    )
}
header, data = {"__metadata__": metadata}, b""
for name, value in tensors.items():
    whole = not value.is_floating_point()
    part = value.detach().to(torch.int32 if whole else torch.float32).contiguous().numpy().tobytes()
    offsets = [len(data), len(data) + len(part)]
    header[name] = {"dtype": "I32" if whole else "F32", "shape": list(value.shape), "data_offsets": offsets}
    data += part
text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
path = pathlib.Path(__file__).parent / "golden" / "mdvlm-objective.safetensors"
path.write_bytes(struct.pack("<Q", len(text)) + text + data)
