#!/usr/bin/env python3
"""Writes golden/actiondiff-*.safetensors: a second realisation of the diffusion branch of ActionDiff, in PyTorch, and its answers.

Written from what is known of DiffAct and of ActionDiff's sibling; what is marked as ours in src/models/wtal/actiondiff is
repeated from its description. It computes in double precision; weights and inputs are random f16 numbers, so that both sides have
the same. What the base says (CAS, attention, features) is given, its classifier is linear.

A file holds the configuration (metadata `config`), weight/NAME, input/NAME, expected/NAME, and of one training step
gradient/NAME. Made with PyTorch 1.13.
"""
import json
import math
import pathlib
import struct

import torch
import torch.nn.functional as F
from torch import nn

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

batch, steps, classes, width = 3, 13, 4, 6


def half(x):
    """Rounded to numbers that f16 holds."""
    return x.half().double()


# The decoder.


def windowed_attention(query, key, value, taps, dilation):
    """The taps of each query are gathered; those outside are zeros, masked by a logarithm and by 0 after the softmax.

    DiffAct masks by log(1e-6), which leaves a millionth; 1e-12 here, so that gradients vanish where they should.
    """
    n, channels, length = query.shape
    reach = taps // 2 * dilation
    index = torch.arange(length)[:, None] + torch.arange(taps)[None, :] * dilation
    gathered = lambda x: F.pad(x, (reach, reach))[:, :, index.reshape(-1)].reshape(n, channels, length, taps)
    inside = ((index >= reach) & (index < length + reach)).double()
    scores = torch.einsum("ncl,nclk->nlk", query, gathered(key)) / math.sqrt(channels)
    weights = torch.softmax(scores + torch.log(inside + 1e-12), 2) * inside
    return torch.einsum("nlk,nclk->ncl", weights, gathered(value))


class MixedLayer(nn.Module):
    def __init__(self, maps, condition, kernel, dilation):
        super().__init__()
        self.kernel, self.dilation = kernel, dilation
        self.conv_block = nn.Sequential(
            nn.Conv1d(maps, maps, kernel, padding=kernel // 2 * dilation, dilation=dilation)
        )
        self.att_linear_q = nn.Conv1d(maps + condition, maps, 1)
        self.att_linear_k = nn.Conv1d(maps + condition, maps, 1)
        self.att_linear_v = nn.Conv1d(maps, maps, 1)
        self.ffn_block = nn.Sequential(nn.Conv1d(maps, maps, 1), nn.ReLU(), nn.Conv1d(maps, maps, 1))
        self.norm = nn.InstanceNorm1d(maps, track_running_stats=False)

    def forward(self, x, condition):
        both = torch.cat([x, condition], 1)
        attended = windowed_attention(
            self.att_linear_q(both), self.att_linear_k(both), self.att_linear_v(x), self.kernel, self.dilation
        )
        return x + self.ffn_block(self.norm(self.conv_block(x) + attended))


class Layers(nn.Module):
    def __init__(self, config, condition):
        super().__init__()
        self.time_proj = nn.Linear(config["timeEmbedding"], config["maps"])
        self.layers = nn.ModuleList(
            MixedLayer(config["maps"], condition, config["kernel"], 2**i) for i in range(config["layers"])
        )

    def forward(self, x, condition, time):
        x = x + self.time_proj(F.silu(time))[:, :, None]
        for layer in self.layers:
            x = layer(x, condition)
        return x


class Decoder(nn.Module):
    def __init__(self, config, channels, condition):
        super().__init__()
        self.size = config["timeEmbedding"]
        self.time_in = nn.ModuleList([nn.Linear(self.size, self.size) for _ in range(2)])
        self.conv_in = nn.Conv1d(channels, config["maps"], 1)
        self.module = Layers(config, condition)
        self.conv_out = nn.Conv1d(config["maps"], channels, 1)

    def embedded(self, t):
        count = self.size // 2
        frequencies = torch.exp(torch.arange(count) * (-math.log(10000) / (count - 1)))
        angles = t.double()[:, None] * frequencies[None, :]
        return F.pad(torch.cat([angles.sin(), angles.cos()], 1), (0, self.size % 2))

    def forward(self, mask, condition, t):
        time = self.time_in[1](F.silu(self.time_in[0](self.embedded(t))))
        hidden = self.module(self.conv_in(mask), condition, time)
        return self.conv_out(hidden), hidden


# The diffusion.


def alpha_bars(times=1000, offset=0.008):
    kept = torch.cos((torch.arange(times + 1) / times + offset) / (1 + offset) * math.pi / 2) ** 2
    return torch.cumprod(1 - torch.clip(1 - kept[1:] / kept[:-1], 0, 0.999), 0)


ALPHAS = alpha_bars()


def corrupt(mask, noise, t, s):
    alpha = ALPHAS[t][:, None, None]
    x = alpha.sqrt() * (2 * mask - 1) * s + (1 - alpha).sqrt() * noise
    return (x.clamp(-s, s) / s + 1) / 2


def ddim(decode, noises, count, eta, s):
    times = [int(x) for x in torch.linspace(-1, 999, count + 1).int().tolist()][::-1]
    x = noises[0]
    for i, (time, after) in enumerate(zip(times[:-1], times[1:])):
        t = torch.full((x.shape[0],), time)
        logits = decode((x.clamp(-s, s) / s + 1) / 2, t)
        start = ((2 * torch.softmax(logits, 1) - 1) * s).clamp(-s, s)
        if after < 0:
            return (start / s + 1) / 2
        alpha, alpha_after = ALPHAS[time], ALPHAS[after]
        found = (x / alpha.sqrt() - start) / (1 / alpha - 1).sqrt()
        sigma = eta * ((1 - alpha / alpha_after) * (1 - alpha_after) / (1 - alpha)).sqrt()
        x = start * alpha_after.sqrt() + (1 - alpha_after - sigma**2).sqrt() * found + sigma * noises[i + 1]


# The masks. `closest` is how near a choice was to another one.

closest = math.inf


def compare(a, b):
    global closest
    closest = min(closest, abs(float(a) - float(b)))
    return a <= b


def top(scores, ratio, median):
    """Of a list of scores."""
    k = max(1, math.floor(len(scores) / ratio))
    ordered = sorted(range(len(scores)), key=lambda t: -scores[t])
    if k < len(scores):
        compare(scores[ordered[k]], scores[ordered[k - 1]])
    mask = [1 if t in ordered[:k] else 0 for t in range(len(scores))]
    if not median:
        return mask
    padded = [0, *mask, 0]
    return [sorted(padded[t : t + 3])[1] for t in range(len(scores))]


def cluster(scores, logits):
    """The sibling's local clustering and what it keeps of it."""
    count = len(scores)
    ordered = sorted(range(count), key=lambda t: -scores[t])
    high, low = [scores[ordered[0]]], [scores[ordered[-1]]]
    chosen = {ordered[0]}
    for t in ordered[1:-1]:
        to_high, to_low = (abs(scores[t] - sum(group) / len(group)) for group in (high, low))
        if compare(to_high, to_low):
            high.append(scores[t])
            chosen.add(t)
        else:
            low.append(scores[t])
    weights = [1 / (2 + rank) if t in chosen else 0 for rank, t in enumerate(ordered)]
    mean = sum(w * logits[t] for w, t in zip(weights, ordered)) / max(sum(weights), 1)
    kept = min(max(sum(0 if compare(logit, mean) and logit != mean else 1 for logit in logits) - 1, 0), count - 1)
    least = scores[ordered[kept]]
    return [1 if t in chosen and scores[t] >= least else 0 for t in range(count)]


def class_mask(cas, attention, modal, config):
    n, length, k = cas.shape
    mask = torch.zeros_like(cas)
    probabilities = torch.softmax(cas, 2)
    for b in range(n):
        for c in range(k):
            if config["kind"] == "top-k":
                scores = (attention[b] * probabilities[b, :, c]).tolist()
                mask[b, :, c] = torch.tensor(top(scores, config["ratio"], config["median"])).double()
                continue
            action = sum(one[b] for one in modal) / len(modal)
            scores = ((probabilities[b, :, c] + action) / 2).tolist()
            logits = cas[b, :, c].tolist()
            parts = config["intervals"] if config["intervals"] < length else 1
            size = length // parts
            found = []
            for i in range(parts):
                end = (i + 1) * size if i + 1 < parts else length
                found += cluster(scores[i * size : end], logits[i * size : end])
            mask[b, :, c] = torch.tensor(found).double()
    return mask


def action_mask(cas, attention, modal, labels, config):
    n, length, _ = cas.shape
    if config["kind"] == "clustered":
        return (class_mask(cas, attention, modal, config)[:, :, :-1] * labels[:, None, :]).amax(2)
    scores = attention * (torch.softmax(cas, 2)[:, :, :-1] * labels[:, None, :]).sum(2)
    return torch.stack(
        [torch.tensor(top(scores[b].tolist(), config["ratio"], config["median"])).double() for b in range(n)]
    )


def with_background(mask):
    return torch.cat([mask, 1 - mask.amax(1, keepdim=True)], 1)


# The two modes.


def gated(x, attention, mask, gate, detached):
    if detached:
        x, attention = x.detach(), attention.detach()
    share = gate[:, 0, None] + gate[:, 1, None] * attention + gate[:, 2, None] * mask
    return x * share[:, :, None]


class Family(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.decoder = Decoder(config["decoder"], classes + 1, classes + 1)

    def train_step(self, base, out, inputs):
        known = torch.zeros(batch, classes, steps)
        for b in range(batch):
            for slot, c in enumerate(torch.nonzero(inputs["labels"][b]).flatten().tolist()):
                known[b, c] = inputs["bank"][inputs["rows"][b], slot]
        target = with_background(known)
        seen = gated(out["cas"], out["attention"], known.amax(1), inputs["gate"], self.config["detached"])
        noisy = corrupt(target, inputs["noise"], inputs["t"], self.config["snrScale"])
        output = self.decoder(noisy, seen.transpose(1, 2), inputs["t"])[0]
        errors = (torch.log_softmax(output, 1) - target) ** 2
        loss = torch.clamp(errors, 0, 16).mean()
        return [out["cas"] + output.transpose(1, 2)], {"diffusion": self.config["weight"] * loss}

    def refine(self, base, out, noises, count, eta):
        shown = out["cas"] * out["attention"][:, :, None] if self.config["inference"] == "action" else out["cas"]
        decode = lambda x, t: self.decoder(x, shown.transpose(1, 2), t)[0]
        mask = ddim(decode, noises, count, eta, self.config["snrScale"])
        return {
            "cas": out["cas"],
            "attention": out["attention"],
            "videoScoreCas": (out["cas"] + mask.transpose(1, 2)) / 2,
        }


class Latent(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.decoder = Decoder(config["decoder"], 2, config["conditionWidth"])
        self.condition = nn.Conv1d(width, config["conditionWidth"], 1)
        self.latent = nn.Conv1d(config["decoder"]["maps"], width, 1)
        self.norm = nn.LayerNorm(width)

    def blended(self, features, hidden):
        latent = self.norm(self.latent(hidden).transpose(1, 2))
        return (1 - self.config["blend"]) * features + self.config["blend"] * latent

    def train_step(self, base, out, inputs):
        mask = action_mask(
            out["cas"].detach(), out["attention"].detach(), out["modal"], inputs["labels"], self.config["mask"]
        )
        target = with_background(mask[:, None, :])
        seen = gated(out["features"], out["attention"], mask, inputs["gate"], self.config["detached"])
        noisy = corrupt(target, inputs["noise"], inputs["t"], self.config["snrScale"])
        output, hidden = self.decoder(noisy, self.condition(seen.transpose(1, 2)), inputs["t"])
        logs = torch.log_softmax(output, 1)
        found = torch.softmax(output, 1)[:, 0]
        weights = self.config["weights"]
        parts = {
            "mask": -(logs * target).sum(1).mean(),
            "smoothness": torch.clamp((logs[:, :, 1:] - logs[:, :, :-1].detach()) ** 2, 0, 16).mean(),
            "attention": F.mse_loss(out["attention"], found.detach()),
            "reverse": F.mse_loss(found, out["attention"].detach()),
        }
        parts = {name: weights[name] * part for name, part in parts.items() if weights[name] > 0}
        return [out["cas"], self.blended(out["features"], hidden) @ base.T], parts

    def refine(self, base, out, noises, count, eta):
        features = out["features"]
        shown = features * out["attention"][:, :, None] if self.config["inference"] == "action" else features
        condition = self.condition(shown.transpose(1, 2))
        last = {}

        def decode(x, t):
            output, last["hidden"] = self.decoder(x, condition, t)
            return output

        mask = ddim(decode, noises, count, eta, self.config["snrScale"])
        cas = (out["cas"] + self.blended(features, last["hidden"]) @ base.T) / 2
        return {"cas": cas, "attention": (out["attention"] + mask[:, 0]) / 2, "videoScoreCas": cas}


common = {"conditions": ["full", "action", "action-topk", "zero"], "snrScale": 0.5, "sampling": {"steps": 4, "eta": 1, "seed": 0}}
configs = {
    "family": {
        "mode": "family",
        **common,
        "decoder": {"maps": 10, "layers": 1, "kernel": 3, "timeEmbedding": 11, "dropout": 0},
        "mask": {"kind": "top-k", "ratio": 3, "median": True},
        "inference": "full",
        "detached": False,
        "weight": 0.7,
    },
    "family-detached": {
        "mode": "family",
        **common,
        "decoder": {"maps": 6, "layers": 2, "kernel": 5, "timeEmbedding": 8, "dropout": 0},
        "mask": {"kind": "clustered", "intervals": 4},
        "inference": "action",
        "detached": True,
        "weight": 1,
    },
    "latent": {
        "mode": "latent",
        **common,
        "decoder": {"maps": 8, "layers": 8, "kernel": 5, "timeEmbedding": 12, "dropout": 0},
        "mask": {"kind": "top-k", "ratio": 3, "median": False},
        "inference": "action",
        "detached": False,
        "conditionWidth": 7,
        "blend": 0.3,
        "weights": {"mask": 0.5, "smoothness": 0.1, "attention": 0.5, "reverse": 0.25},
    },
    "latent-clustered": {
        "mode": "latent",
        **common,
        "decoder": {"maps": 5, "layers": 2, "kernel": 3, "timeEmbedding": 4, "dropout": 0},
        "mask": {"kind": "clustered", "intervals": 2},
        "inference": "full",
        "detached": True,
        "conditionWidth": 3,
        "blend": 0.6,
        "weights": {"mask": 0.5, "smoothness": 0.1, "attention": 0.5, "reverse": 0},
    },
}


def golden(name, seed):
    torch.manual_seed(seed)
    config = configs[name]
    model = (Family if config["mode"] == "family" else Latent)(config)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(half(weight + 0.1 * torch.randn_like(weight)))
    channels = classes + 1 if config["mode"] == "family" else 2
    condition = classes + 1 if config["mode"] == "family" else config["conditionWidth"]
    taps = {"taps": 5, "dilation": 3}
    inputs = {
        "cas": half(torch.randn(batch, steps, classes + 1)),
        "attention": half(torch.rand(batch, steps)),
        "modal.0": half(torch.rand(batch, steps)),
        "modal.1": half(torch.rand(batch, steps)),
        "features": half(torch.randn(batch, steps, width)),
        "classifier": half(torch.randn(classes + 1, width)),
        "labels": torch.tensor([[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 1, 1]]).double(),
        "rows": torch.tensor([2, 0, 4]),
        "bank": (torch.rand(5, 2, steps) < 0.4).double(),
        "t": torch.tensor([3, 431, 999]),
        "noise": half(torch.randn(batch, channels, steps)),
        "noises": half(torch.randn(config["sampling"]["steps"] + 1, batch, channels, steps)),
        "gate": half(torch.rand(batch, 3)),
        "weights.0": half(torch.randn(batch, steps, classes + 1)),
        "weights.1": half(torch.randn(batch, steps, classes + 1)),
        "mask": half(torch.rand(batch, channels, steps)),
        "condition": half(torch.randn(batch, condition, steps)),
        **{part: half(torch.randn(batch, width, steps)) for part in ("query", "key", "value", "gradient")},
    }
    out = {key: inputs[key].clone().requires_grad_() for key in ("cas", "attention", "features")}
    out["modal"] = [inputs["modal.0"], inputs["modal.1"]]
    classifier = inputs["classifier"].clone().requires_grad_()
    tensors = {f"input/{key}": value for key, value in inputs.items()}
    tensors.update({f"weight/{key}": value.detach() for key, value in model.named_parameters()})

    with torch.no_grad():
        output, hidden = model.decoder(inputs["mask"], inputs["condition"], inputs["t"])
        expected = {"output": output, "hidden": hidden}
        expected["noisy"] = corrupt(inputs["mask"], inputs["noise"], inputs["t"], config["snrScale"])
        given = (out["cas"], out["attention"], out["modal"])
        expected["classMask"] = class_mask(*given, config["mask"])
        expected["actionMask"] = action_mask(*given, inputs["labels"], config["mask"])
        for eta in (0, 1):
            refined = model.refine(classifier, out, inputs["noises"], config["sampling"]["steps"], eta)
            expected.update({f"eta{eta}.{key}": value for key, value in refined.items()})
    leaves = {key: inputs[key].clone().requires_grad_() for key in ("query", "key", "value")}
    attended = windowed_attention(*leaves.values(), **taps)
    attended.backward(inputs["gradient"])
    expected["attended"] = attended.detach()
    expected["normed"] = nn.InstanceNorm1d(width)(inputs["query"])
    expected.update({f"attended.{key}": value.grad for key, value in leaves.items()})

    sequences, parts = model.train_step(classifier, out, inputs)
    expected.update({f"sequence.{i}": value.detach() for i, value in enumerate(sequences)})
    expected.update({f"part.{key}": value.detach().reshape(1) for key, value in parts.items()})
    total = sum(parts.values()) + sum((x * inputs[f"weights.{i}"]).sum() for i, x in enumerate(sequences))
    total.backward()
    gradients = {key: out[key].grad for key in ("cas", "attention", "features")}
    gradients["classifier"] = classifier.grad
    gradients.update({f"branch.{key}": value.grad for key, value in model.named_parameters()})
    tensors.update({f"expected/{key}": value for key, value in expected.items()})
    tensors.update({f"gradient/{key}": value for key, value in gradients.items() if value is not None})
    return config, tensors


def write(path, config, tensors):
    header, data = {"__metadata__": {"config": json.dumps(config)}}, b""
    entries = []
    for name, value in tensors.items():
        if not value.is_floating_point():
            entries.append((name, "I32", value.int()))
        elif name.startswith(("weight/", "input/")):
            entries.append((name, "F16", value.half()))
        else:
            entries.append((name, "F32", value.float()))
    for name, kind, value in sorted(entries, key=lambda entry: -entry[2].element_size()):
        raw = value.detach().contiguous().numpy().tobytes()
        header[name] = {"dtype": kind, "shape": list(value.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


if __name__ == "__main__":
    folder = pathlib.Path(__file__).parent / "golden"
    for name in configs:
        for seed in range(100):
            closest = math.inf
            config, tensors = golden(name, seed)
            # No choice of snippets may hang on the last digits.
            if closest > 1e-5:
                break
        else:
            raise SystemExit(f"{name}: no seed without ties, the last had {closest}")
        write(folder / f"actiondiff-{name}.safetensors", config, tensors)
        print(name, "seed", seed, "closest", closest)
