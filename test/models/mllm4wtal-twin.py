#!/usr/bin/env python3
"""Writes golden/mllm4wtal.safetensors: a second realisation of MLLM4WTAL's guidance, in PyTorch and double precision.

Key semantic matching, the reconstruction with its three passes, all losses, and one iteration of the three turns, each with its
gradients and a step of plain gradient descent, on a base of two linear layers. Convolutions, attention and norms are
PyTorch's or loops; the reweighted attention is written out, because PyTorch's modules cannot reweight.

The file holds weight/NAME, input/NAME, expected/NAME, and gradient/TURN/NAME. Made with PyTorch 1.13.
"""
import json
import math
import pathlib
import struct

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
torch.manual_seed(8)

batch, steps, channels, classes = 3, 15, 6, 4
word_width, width = 5, 8
model, heads, layers, inner = 8, 2, 2, 12
attention_width, code = 4, 5
vocabulary, longest = 9, 7
rate = 0.05

f32 = lambda x: x.float().double()
weights = {}


def declare(name, *shape, scale=None):
    fan = shape[-1] if len(shape) == 2 else shape[1] * shape[2] if len(shape) == 3 else 4
    weights[name] = f32(torch.randn(*shape) * (scale or 1 / math.sqrt(fan)))


def linear(name, inputs, outputs):
    declare(f"{name}.weight", outputs, inputs)
    declare(f"{name}.bias", outputs, scale=0.2)


def conv(name, inputs, outputs, kernel):
    declare(f"{name}.weight", outputs, inputs, kernel)
    declare(f"{name}.bias", outputs, scale=0.2)


def norm(name):
    declare(f"{name}.weight", model, scale=0.3)
    weights[f"{name}.weight"] = f32(weights[f"{name}.weight"] + 1)
    declare(f"{name}.bias", model, scale=0.2)


linear("base.attention", channels, 1)
linear("base.scores", channels, classes)
conv("guidance.ksm.fusion.0", channels, width, 3)
conv("guidance.ksm.fusion.1", width, width, 3)
linear("guidance.ksm.text", word_width, width)
declare("guidance.ksm.background", 1, 1, word_width, scale=0.5)
half = channels // 2
for one in ("vAttn", "fAttn"):
    at = f"guidance.csr.attention.{one}"
    conv(f"{at}.AE_e.0", half, code, 3)
    conv(f"{at}.AE_d.0", code, half, 3)
    conv(f"{at}.bit_wise_attn.0", code, half, 3)
    conv(f"{at}.channel_conv.0", half, half, 3)
    conv(f"{at}.attention.0", half, attention_width, 3)
    conv(f"{at}.attention.3", attention_width, attention_width, 3)
    conv(f"{at}.attention.5", attention_width, 1, 1)
linear("guidance.csr.frame_fc", channels, model)
linear("guidance.csr.word_fc", word_width, model)
linear("guidance.csr.fc_rec", model, vocabulary)
declare("guidance.csr.start_vec", 1, 1, word_width, scale=0.5)
declare("guidance.csr.mask_vec", 1, 1, word_width, scale=0.5)
for kind in ("visual", "text"):
    for i in range(layers):
        at = f"guidance.csr.transformer.{kind}.{i}"
        for part in ("self_attn", "multihead_attn")[: 2 if kind == "text" else 1]:
            declare(f"{at}.{part}.in_proj_weight", 3 * model, model)
            declare(f"{at}.{part}.in_proj_bias", 3 * model, scale=0.2)
            linear(f"{at}.{part}.out_proj", model, model)
        linear(f"{at}.linear1", model, inner)
        linear(f"{at}.linear2", inner, model)
        for n in range(3 if kind == "text" else 2):
            norm(f"{at}.norm{n + 1}")

table = f32(torch.randn(vocabulary, word_width))
snippets = f32(torch.randn(batch, steps, channels))
keys = f32(torch.randn(batch, classes - 1, word_width))
labels = torch.tensor([[1.0, 0, 1], [0, 1, 0], [1, 1, 0]])
lengths = [7, 4, 5]
words = torch.randint(vocabulary, (batch, longest))
present = torch.tensor([[1 if i < n else 0 for i in range(longest)] for n in lengths])
words = words * present
masked = torch.tensor([[0, 1, 0, 0, 1, 0, 0], [0, 0, 1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0]])


def affine(w, name, x):
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def leaky_conv(w, name, x, leaky=True):
    kernel = w[f"{name}.weight"]
    y = F.conv1d(x, kernel, w[f"{name}.bias"], padding=kernel.shape[2] // 2)
    return F.leaky_relu(y, 0.2) if leaky else y


def match(w):
    v = snippets.transpose(1, 2)
    for i in range(2):
        v = leaky_conv(w, f"guidance.ksm.fusion.{i}", v)
    background = w["guidance.ksm.background"].expand(batch, 1, word_width)
    text = affine(w, "guidance.ksm.text", torch.cat([keys, background], 1))
    p = torch.einsum("bdt,bkd->btk", v, text) / math.sqrt(width)
    best = []
    for b in range(batch):
        own = [k for k in range(classes - 1) if labels[b, k] > 0]
        best.append(p[b][:, own].max(1).values)
    return p, torch.sigmoid(torch.stack(best))


def match_losses(p, a):
    k = max(1, steps // 7)
    v = p.topk(k, 1).values.mean(1)[:, : classes - 1]
    mil = F.binary_cross_entropy_with_logits(v, labels)
    guide = (1 - a - p.softmax(2)[..., -1]).abs().mean()
    return {"match": mil, "norm": 0.8 * a.mean(), "guide": 0.8 * guide}


def filter_attention(w, name, main, other):
    at = f"guidance.csr.attention.{name}"
    z = leaky_conv(w, f"{at}.AE_e.0", other)
    rebuilt = leaky_conv(w, f"{at}.AE_d.0", z)
    c = leaky_conv(w, f"{at}.channel_conv.0", main.mean(2, keepdim=True))
    b = leaky_conv(w, f"{at}.bit_wise_attn.0", z)
    cosine = F.cosine_similarity(c.expand_as(b), b, 1)[:, None]
    kept = torch.sigmoid(b * cosine) * main
    h = leaky_conv(w, f"{at}.attention.3", leaky_conv(w, f"{at}.attention.0", kept))
    return torch.sigmoid(leaky_conv(w, f"{at}.attention.5", h, leaky=False))[:, 0], rebuilt


def attend(w):
    rgb, flow = snippets.transpose(1, 2).split(half, 1)
    a, flow2 = filter_attention(w, "vAttn", rgb, flow)
    b, rgb2 = filter_attention(w, "fAttn", flow, rgb)
    return (a + b) / 2, ((flow2 - flow) ** 2).mean() + ((rgb2 - rgb) ** 2).mean()


def multi_head(w, at, x, memory, weight, causal):
    q, k, v = (w[f"{at}.in_proj_weight"][i * model : (i + 1) * model] for i in range(3))
    bq, bk, bv = w[f"{at}.in_proj_bias"].split(model)
    split = lambda y: y.reshape(batch, -1, heads, model // heads).transpose(1, 2)
    query, key, value = split(x @ q.T + bq), split(memory @ k.T + bk), split(memory @ v.T + bv)
    scores = query @ key.transpose(2, 3) / math.sqrt(model // heads)
    if causal:
        scores = scores.masked_fill(torch.ones_like(scores).triu(1) > 0, -math.inf)
    p = scores.softmax(3)
    if weight is not None:
        p = p * weight[:, None, None, :]
        p = p / p.sum(3, keepdim=True)
    y = (p @ value).transpose(1, 2).reshape(batch, -1, model)
    return affine(w, f"{at}.out_proj", y)


def layer_norm(w, name, x):
    return F.layer_norm(x, (model,), w[f"{name}.weight"], w[f"{name}.bias"])


def block(w, at, x, self_weight, memory=None, memory_weight=None):
    x = layer_norm(w, f"{at}.norm1", x + multi_head(w, f"{at}.self_attn", x, x, self_weight, True))
    n = 2
    if memory is not None:
        cross = multi_head(w, f"{at}.multihead_attn", x, memory, memory_weight, False)
        x = layer_norm(w, f"{at}.norm2", x + cross)
        n = 3
    h = torch.relu(affine(w, f"{at}.linear1", x))
    return layer_norm(w, f"{at}.norm{n}", x + affine(w, f"{at}.linear2", h))


def sinusoid(length):
    rows = []
    for t in range(length):
        f = [10_000 ** (-i / (model // 2)) for i in range(model // 2)]
        rows.append([math.cos(t * x) for x in f] + [math.sin(t * x) for x in f])
    return torch.tensor(rows)


def tell(w, weight, mask_words=True):
    """The negative log-likelihood of each video's words."""
    weight = None if weight is None else weight + 1e-10
    frames = affine(w, "guidance.csr.frame_fc", snippets) + sinusoid(steps)
    for i in range(layers):
        frames = block(w, f"guidance.csr.transformer.visual.{i}", frames, weight)
    vectors = table[words]
    if mask_words:
        vectors = torch.where(masked[..., None] > 0, w["guidance.csr.mask_vec"], vectors)
    start = w["guidance.csr.start_vec"].expand(batch, 1, word_width)
    y = affine(w, "guidance.csr.word_fc", torch.cat([start, vectors[:, :-1]], 1))
    if mask_words:
        y = y + sinusoid(longest)
    for i in range(layers):
        y = block(w, f"guidance.csr.transformer.text.{i}", y, None, frames, weight)
    logs = affine(w, "guidance.csr.fc_rec", y).log_softmax(2)
    losses = []
    for b in range(batch):
        of_words = [
            -(0.9 * logs[b, i, words[b, i]] + 0.1 * logs[b, i].mean()) for i in range(lengths[b])
        ]
        losses.append(sum(of_words) / lengths[b])
    return torch.stack(losses)


def reconstruct(w):
    m, _ = attend(w)
    return {"attended": tell(w, m.detach()).mean(), "all": tell(w, None).mean()}


def mask(w):
    m, errors = attend(w)
    with_mask, without, others = tell(w, m), tell(w, None), tell(w, 1 - m)
    _, a = match(w)
    return {
        "againstAll": torch.relu(with_mask - without + 0.1).mean(),
        "againstOthers": torch.relu(with_mask - others + 0.15).mean(),
        "autoEncoder": 1.5 * errors,
        "distilled": 1.5 * ((m - a.detach()) ** 2).mean(),
    }


def base(w, first):
    p, a = match(w)
    attention = torch.sigmoid(affine(w, "base.attention", snippets))[..., 0]
    return {
        **match_losses(p, a),
        "distilled": 1.5 * ((a - first) ** 2).mean(),
        "pull": 1.5 * ((attention - (a.detach() + first) / 2) ** 2).mean(),
    }


tensors = {f"weight/{name}": value.clone() for name, value in weights.items()}
tensors.update(
    {
        "input/table": table,
        "input/snippets": snippets,
        "input/keys": keys,
        "input/labels": labels,
        "input/words": words,
        "input/present": present,
        "input/masked": masked,
    }
)
similarity, key_attention = match(weights)
own, _ = attend(weights)
tensors["expected/similarity"], tensors["expected/keyAttention"] = similarity, key_attention
tensors["expected/attention"] = own
for name, weight in dict(attended=own, all=None, others=1 - own).items():
    tensors[f"expected/words/{name}"] = tell(weights, weight)
tensors["expected/words/released"] = tell(weights, own, mask_words=False)
# Each margin is exceeded by some video and kept by none or some: the hinge must act.
first, second = tell(weights, own) - tell(weights, None) + 0.1, tell(weights, own) - tell(weights, 1 - own) + 0.15
assert (first > 1e-3).any() and (second > 1e-3).any(), "choose another seed"
assert min(first.abs().min(), second.abs().min()) > 1e-3, "a hinge is near its corner"

turns = {
    "reconstruct": lambda n: n.startswith("guidance.csr.") and not n.startswith("guidance.csr.attention."),
    "mask": lambda n: n.startswith("guidance.csr.attention."),
    "base": lambda n: not n.startswith("guidance.csr."),
}
w = {name: value.clone() for name, value in weights.items()}
kept = attend(w)[0].detach()
for turn, owns in turns.items():
    at = {name: value.clone().requires_grad_(owns(name)) for name, value in w.items()}
    parts = {"reconstruct": reconstruct, "mask": mask, "base": lambda x: base(x, kept)}[turn](at)
    sum(parts.values()).backward()
    for part, value in parts.items():
        tensors[f"expected/{turn}/{part}"] = value.reshape(1)
    for name, value in at.items():
        if not owns(name):
            continue
        gradient = torch.zeros_like(value) if value.grad is None else value.grad
        tensors[f"gradient/{turn}/{name}"] = gradient
        w[name] = (value - rate * gradient).detach()

settings = dict(
    **dict(batch=batch, steps=steps, channels=channels, classes=classes, wordWidth=word_width, rate=rate),
    ksm=dict(width=width),
    csr=dict(
        **dict(width=model, heads=heads, layers=layers, intermediate=inner),
        attention=dict(width=attention_width, code=code),
    ),
    vocabulary=vocabulary,
    longest=longest,
)
header, data = {"__metadata__": {"settings": json.dumps(settings)}}, b""
for name, value in tensors.items():
    whole = not value.is_floating_point()
    part = value.detach().to(torch.int32 if whole else torch.float32).contiguous().numpy().tobytes()
    offsets = [len(data), len(data) + len(part)]
    header[name] = {"dtype": "I32" if whole else "F32", "shape": list(value.shape), "data_offsets": offsets}
    data += part
text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
path = pathlib.Path(__file__).parent / "golden" / "mllm4wtal.safetensors"
path.write_bytes(struct.pack("<Q", len(text)) + text + data)
print(f"{path}: {len(tensors)} tensors, {path.stat().st_size} bytes")
