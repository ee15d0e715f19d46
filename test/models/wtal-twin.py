#!/usr/bin/env python3
"""Writes golden/wtal-*.safetensors: a second realisation of the weakly supervised bases and their losses, in PyTorch.

Written from the papers and public descriptions of CO2-Net, Boosting-WTAL, DELU, CMCS and ActionDiff's sibling, parts
marked "ours" in src/models/wtal from their description. Losses go through videos, classes and snippets one by one. It
computes in double precision; weights and inputs are random f16 numbers, so that both sides have the same.

A file holds the configuration and the objectives (metadata), weight/NAME, input/NAME, expected/NAME of the outputs, and for
each objective expected/OBJECTIVE/PART and gradient/OBJECTIVE/NAME of the sum of its parts by each weight. Made with
PyTorch 1.13.
"""
import copy
import json
import math
import pathlib
import struct

import torch
import torch.nn.functional as F
from torch import nn

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

batch, steps, classes = 7, 13, 4
leaky = nn.LeakyReLU(0.2)


# The bases. Snippets are (B, T, channels), outputs a dictionary.


class FilterAttention(nn.Module):
    def __init__(self, channels, width, code=None):
        super().__init__()
        if code:
            self.AE_e = nn.Sequential(nn.Conv1d(channels, code, 3, padding=1), leaky, nn.Dropout(0.5))
            self.AE_d = nn.Sequential(nn.Conv1d(code, channels, 3, padding=1), leaky, nn.Dropout(0.5))
        self.code = code
        self.bit_wise_attn = nn.Sequential(nn.Conv1d(code or channels, channels, 3, padding=1), leaky, nn.Dropout(0.5))
        self.channel_conv = nn.Sequential(nn.Conv1d(channels, channels, 3, padding=1), leaky, nn.Dropout(0.5))
        self.attention = nn.Sequential(
            nn.Conv1d(channels, width, 3, padding=1),
            leaky,
            nn.Dropout(0.5),
            nn.Conv1d(width, width, 3, padding=1),
            leaky,
            nn.Conv1d(width, 1, 1),
            nn.Dropout(0.5),
            nn.Sigmoid(),
        )

    def forward(self, v, f):
        rebuilt = None
        whole = self.channel_conv(v.mean(2, keepdim=True))
        if self.code:
            z = self.AE_e(f)
            rebuilt = self.AE_d(z)
            b = self.bit_wise_attn(z)
            a = torch.einsum("bcx,bct->bxt", whole / whole.norm(dim=1, keepdim=True), b / b.norm(dim=1, keepdim=True))
            filtered = torch.sigmoid(b * a) * v
        else:
            filtered = torch.sigmoid(self.bit_wise_attn(f) * whole) * v
        return self.attention(filtered), filtered, rebuilt


def pooling(kernel):
    """Zeros beyond the ends are counted."""
    return nn.AvgPool1d(kernel, 1, padding=kernel // 2, count_include_pad=True) if kernel else nn.Identity()


class Co2Net(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.half = config["channels"] // 2
        sizes = self.half, config["attentionWidth"], config.get("autoEncoder")
        self.vAttn, self.fAttn = FilterAttention(*sizes), FilterAttention(*sizes)
        width = config["width"]
        self.fusion = nn.Sequential(nn.Conv1d(config["channels"], width, 1), leaky, nn.Dropout(0.7))
        self.classifier = nn.Sequential(
            nn.Dropout(0.7),
            nn.Conv1d(width, width, 3, padding=1),
            leaky,
            nn.Dropout(0.7),
            nn.Conv1d(width, config["classes"], 1),
        )
        self.pool = pooling(config.get("pool"))

    def forward(self, snippets):
        x = snippets.transpose(1, 2)
        rgb, flow = x[:, : self.half], x[:, self.half :]
        av, fv, by_flow = self.vAttn(rgb, flow)
        af, ff, by_rgb = self.fAttn(flow, rgb)
        features = self.fusion(torch.cat([fv, ff], 1))
        attentions = [self.pool(a)[:, 0] for a in (av, af)]
        return {
            "cas": self.pool(self.classifier(features)).transpose(1, 2),
            "attention": (attentions[0] + attentions[1]) / 2,
            "modal": attentions,
            "features": features.transpose(1, 2),
            "actionness": [],
            "rebuilt": [] if by_flow is None else [(flow, by_flow), (rgb, by_rgb)],
        }


class CrossModalHeads(nn.Module):
    def __init__(self, channels, heads):
        super().__init__()
        self.heads, self.size = heads, channels // heads
        self.rgb, self.flow = nn.Linear(channels, channels, bias=False), nn.Linear(channels, channels, bias=False)
        self.match = nn.Parameter(torch.randn(heads, self.size, self.size))

    def forward(self, rgb, flow):
        rows = rgb.transpose(1, 2), flow.transpose(1, 2)
        gathered = [[], []]
        for head in range(self.heads):
            part = slice(head * self.size, (head + 1) * self.size)
            r = F.normalize(rows[0] @ self.rgb.weight[part].T, dim=2)
            f = F.normalize(rows[1] @ self.flow.weight[part].T, dim=2)
            matches = r @ self.match[head] @ f.transpose(1, 2)
            gathered[0].append(F.gelu(matches.softmax(2) @ r))
            gathered[1].append(F.gelu(matches.transpose(1, 2).softmax(2) @ f))
        return [torch.tanh(torch.cat(g, 2) + x).transpose(1, 2) for g, x in zip(gathered, rows)]


class Branch(nn.Module):
    def __init__(self, channels, config):
        super().__init__()
        self.attention = FilterAttention(channels, config["attentionWidth"])
        width = config["classifierWidth"]
        self.classifier = nn.Sequential(
            nn.Conv1d(channels, width, 3, padding=1), nn.ReLU(), nn.Conv1d(width, config["classes"], 1)
        )
        width = config["attentionWidth"]
        self.actionness = nn.Sequential(nn.Conv1d(channels, width, 1), nn.ReLU(), nn.Conv1d(width, 1, 1))


class FourHead(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.half = config["channels"] // 2
        self.cross = CrossModalHeads(self.half, config.get("heads", 4))
        self.rgb, self.flow = Branch(self.half, config), Branch(self.half, config)
        self.pool = pooling(config.get("pool"))

    def forward(self, snippets):
        x = snippets.transpose(1, 2)
        rgb, flow = self.cross(x[:, : self.half], x[:, self.half :])
        a, r, _ = self.rgb.attention(rgb, flow)
        b, f, _ = self.flow.attention(flow, rgb)
        return {
            "cas": (self.pool(self.rgb.classifier(r)) + self.pool(self.flow.classifier(f))).transpose(1, 2),
            "attention": (a[:, 0] + b[:, 0]) / 2,
            "modal": [a[:, 0], b[:, 0]],
            "features": torch.cat([r, f], 1).transpose(1, 2),
            "actionness": [
                torch.sigmoid(self.pool(branch.actionness(y)))[:, 0] for branch, y in ((self.rgb, r), (self.flow, f))
            ],
            "rebuilt": [],
        }


class Cmcs(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, inner = config["width"], config["branchWidth"]
        self.base = nn.ModuleDict({"base_conv_0": nn.Conv1d(config["channels"], width, 1)})
        self.cls_bottoms = nn.ModuleList(
            nn.ModuleDict({f"cls_b{i}_conv_0": nn.Conv1d(width, inner, 3, padding=1)}) for i in range(config["branches"])
        )
        self.cls_heads = nn.ModuleList(nn.Linear(inner, config["classes"]) for _ in range(config["branches"]))
        self.att_bottom = nn.ModuleDict({"att_conv_0": nn.Conv1d(width, inner, 1)})
        self.att_head = nn.Linear(inner, 1)

    def forward(self, snippets):
        x = F.relu(self.base["base_conv_0"](snippets.transpose(1, 2)))
        scores = [
            head(F.relu(bottom[f"cls_b{i}_conv_0"](x)).transpose(1, 2))
            for i, (bottom, head) in enumerate(zip(self.cls_bottoms, self.cls_heads))
        ]
        attention = self.att_head(F.relu(self.att_bottom["att_conv_0"](x)).transpose(1, 2))[..., 0].softmax(1)
        return {
            "cas": sum(scores) / len(scores),
            "attention": attention,
            "modal": [],
            "features": x.transpose(1, 2),
            "actionness": [],
            "rebuilt": [],
        }


# The losses, one video and class at a time.

closest = math.inf


def descending(values):
    """Places by falling value; the smallest difference of two neighbours is kept."""
    global closest
    ordered, places = values.detach().sort(descending=True)
    if len(ordered) > 1:
        closest = min(closest, float((ordered[:-1] - ordered[1:]).min()))
    return places


def count(ratio):
    return max(1, int(steps // ratio))


def top_mean(sequence, k):
    return sequence[descending(sequence)[:k]].mean()


def suppressed(out):
    least = out["cas"].min(2, keepdim=True).values
    return out["attention"][..., None] * (out["cas"] - least) + least


def softmax_mil(cas, labels, ratio, background):
    total = 0
    for b in range(batch):
        logits = torch.stack([top_mean(cas[b, :, c], count(ratio)) for c in range(classes + 1)])
        y = torch.cat([labels[b], torch.tensor([float(background)])])
        total = total - (y / (y.sum() + 1e-4) * logits.log_softmax(0)).sum()
    return total / batch


def binary_mil(probabilities, labels, snippets):
    found = torch.stack(
        [
            torch.stack([top_mean(probabilities[b, :, c], min(snippets, steps)) for c in range(classes)])
            for b in range(batch)
        ]
    )
    return F.binary_cross_entropy(found, labels)


def absent_classes(probabilities, labels):
    absent = [probabilities[b, :, c].mean() for b in range(batch) for c in range(classes) if labels[b, c] == 0]
    return sum(absent) / len(absent)


def background_excess(background, above):
    return sum(F.relu(background[b].mean() - above) for b in range(batch)) / batch


def co_activity(out, labels, pairs):
    cas, x = suppressed(out), out["features"]
    total, shared = 0, 0
    distance = lambda a, b: 1 - F.cosine_similarity(a, b, dim=0)
    for i in range(0, 2 * pairs, 2):
        for c in range(classes):
            if labels[i, c] * labels[i + 1, c] == 0:
                continue
            shared += 1
            a = [cas[j, :, c].softmax(0) for j in (i, i + 1)]
            h = [x[j].T @ a[j - i] for j in (i, i + 1)]
            low = [x[j].T @ (1 - a[j - i]) / (steps - 1) for j in (i, i + 1)]
            d = distance(h[0], h[1])
            total = total + 0.5 * F.relu(d - distance(h[0], low[1]) + 0.5)
            total = total + 0.5 * F.relu(d - distance(h[1], low[0]) + 0.5)
    return total / shared


def attentions_of(out):
    return [out["attention"], *out["modal"]]


def attention_norm(out):
    return sum(a.mean() for a in attentions_of(out)) / len(attentions_of(out))


def guide_errors(out):
    background = out["cas"].softmax(2)[..., -1]
    return sum((1 - a - background).abs() for a in attentions_of(out)) / len(attentions_of(out))


def mutual(out):
    v, f = out["modal"]
    return 0.5 * F.mse_loss(v, f.detach()) + 0.5 * F.mse_loss(f, v.detach())


def reconstruction(out):
    return sum(F.mse_loss(rebuilt, modality) for modality, rebuilt in out["rebuilt"])


def evidence(out, labels, ratio):
    cas, total = suppressed(out), 0
    for b in range(batch):
        if labels[b].sum() == 0:
            continue
        chosen = descending(out["attention"][b])[: count(ratio)]
        alpha = torch.exp(cas[b, chosen, :classes].mean(0).clamp(-10, 10)) + 1
        strength = alpha.sum()
        uncertainty = (classes / strength).detach()
        shares = labels[b] / alpha
        g = (1 - uncertainty) * labels[b].sum() * shares / shares.sum()
        total = total + (g * (strength.log() - alpha.log())).sum()
    return total / batch


def curriculum(out, progress, amplitude):
    strength = (torch.exp(suppressed(out).clamp(-10, 10)) + 1).sum(2)
    errors, total = guide_errors(out), 0
    for b in range(batch):
        # The least uncertain snippet, K / S, comes first.
        for rank, t in enumerate(descending(strength[b]).tolist()):
            theta = 2 * (rank + 0.5) / steps - 1
            total = total + (amplitude * math.tanh(theta * (1 - 2 * float(progress))) + 1) * errors[b, t]
    return total / (batch * steps)


def segment_scores(out):
    sequences = [*out["modal"], *out["actionness"]] or [out["attention"]]
    return (out["cas"].softmax(2) + (sum(sequences) / len(sequences))[..., None]) / 2


def masked(out, labels, mask, options):
    scores = segment_scores(out)
    if mask is None:
        mask = torch.zeros_like(scores)
        for b in range(batch):
            for c in range(classes + 1):
                mask[b, descending(scores[b, :, c])[: count(options["ratio"])], c] = 1
    action = background = cross = margin = 0
    sequences = [*out["modal"], *out["actionness"]] or [out["attention"]]
    for b in range(batch):
        inside, outside = [], []
        for c in range(classes + 1):
            order = descending(scores[b, :, c])
            logits, among = out["cas"][b, order, c], mask[b, order, c]
            weights = among / (torch.arange(steps) + 2)
            inside.append((weights * logits).sum() / max(1.0, float(weights.sum())))
            outside.append(((1 - among) * logits).sum() / max(1.0, float((1 - among).sum())))
        number = max(1.0, float(labels[b].sum()))
        action = action - (labels[b] * torch.stack(inside).log_softmax(0)[:classes]).sum() / number
        background = background - torch.log(1 - torch.stack(outside).softmax(0)[:classes]).mean()
        of_video = ((mask[b, :, :classes] * labels[b]).sum(1) > 0).double()
        q = options["attentions"]["q"]
        for one in sequences:
            for p, m in ((one[b], of_video), (1 - one[b], 1 - of_video)):
                cross = cross + ((1 - p.clamp(min=1e-8) ** q) / q * m).sum() / max(1.0, float(m.sum()))
        lengths = [
            (m @ out["features"][b]).norm() / max(1.0, float(m.sum())) for m in (of_video, 1 - of_video)
        ]
        margin = margin + (F.relu(options["magnitude"]["margin"] - lengths[0]) + lengths[1]) ** 2
    return {
        "actionBackground": options["scores"]["weight"] * (action + background) / batch,
        "generalizedCrossEntropy": options["attentions"]["weight"] * cross / batch,
        "magnitudeMargin": options["magnitude"]["weight"] * margin / batch,
    }


def losses(out, inputs, objective, mask):
    labels, parts = inputs["labels"], {}
    probabilities = out["cas"].softmax(2)
    of_classes = probabilities[..., :classes]
    for name, options in objective.items():
        if name == "masked":
            parts.update(masked(out, labels, mask, options))
            continue
        found = {
            "softmaxMil": lambda: {
                "milOriginal": softmax_mil(out["cas"], labels, options["ratio"], 1),
                "milSuppressed": softmax_mil(suppressed(out), labels, options["ratio"], 0),
            },
            "binaryMil": lambda: {
                "binaryMil": binary_mil(of_classes, labels, options["snippets"]),
                **(
                    {
                        "binaryMilAttended": binary_mil(
                            of_classes * out["attention"][..., None], labels, options["snippets"]
                        )
                    }
                    if options["attended"]
                    else {}
                ),
            },
            "absentClasses": lambda: {name: absent_classes(of_classes, labels)},
            "backgroundExcess": lambda: {name: background_excess(probabilities[..., classes], options["above"])},
            "coActivity": lambda: {name: co_activity(out, labels, options["pairs"])},
            "attentionNorm": lambda: {name: attention_norm(out)},
            "guide": lambda: {name: guide_errors(out).mean()},
            "mutual": lambda: {name: mutual(out)},
            "reconstruction": lambda: {name: reconstruction(out)},
            "evidence": lambda: {name: evidence(out, labels, options["ratio"])},
            "curriculum": lambda: {name: curriculum(out, inputs["progress"], options["amplitude"])},
        }[name]()
        parts.update({part: options["weight"] * value for part, value in found.items()})
    return parts


# Configurations and the objectives that each is tried with.

masks = {
    "ratio": 3,
    "scores": {"weight": 1},
    "attentions": {"weight": 0.1, "q": 0.7},
    "magnitude": {"weight": 0.05, "margin": 6},
}
single = {
    "softmaxMil": {"weight": 1, "ratio": 3},
    "binaryMil": {"weight": 1, "snippets": 4, "attended": True},
    "absentClasses": {"weight": 0.7},
    "backgroundExcess": {"weight": 1, "above": 0.1},
    "coActivity": {"weight": 1, "pairs": 3},
    "attentionNorm": {"weight": 0.8},
    "guide": {"weight": 0.8},
    "mutual": {"weight": 1},
    "evidence": {"weight": 1.3, "ratio": 4},
    "curriculum": {"weight": 0.4, "amplitude": 0.7},
    "masked": masks,
}
sizes = {"channels": 16, "classes": classes + 1, "attentionWidth": 5}
configs = {
    # Each loss by itself.
    "co2net": (
        {"kind": "co2net", **sizes, "width": 10},
        {name: {name: options} for name, options in single.items()},
    ),
    "co2net-pooled": (
        {"kind": "co2net", **sizes, "width": 10, "pool": 5, "autoEncoder": 3},
        {"all": {**single, "reconstruction": {"weight": 1.5}}, "long": {"binaryMil": {**single["binaryMil"], "snippets": 16}}},
    ),
    "four-head": (
        {"kind": "four-head", **sizes, "classifierWidth": 6},
        {"masked": {"masked": masks}, "given-mask": {"masked": masks}, "all": single},
    ),
    "four-head-pooled": ({"kind": "four-head", **sizes, "classifierWidth": 6, "heads": 2, "pool": 3}, {"masked": {"masked": masks}}),
    "cmcs": (
        {"kind": "cmcs", "channels": 16, "classes": classes + 1, "width": 12, "branchWidth": 14, "branches": 2},
        {"all": {name: options for name, options in single.items() if name != "mutual"}},
    ),
}
kinds = {"co2net": Co2Net, "four-head": FourHead, "cmcs": Cmcs}


def half(x):
    """Rounded to numbers that f16 holds."""
    return x.half().double()


def outputs_by_name(out):
    named = {name: out[name] for name in ("cas", "attention", "features")}
    for name in ("modal", "actionness"):
        named.update({f"{name}.{i}": x for i, x in enumerate(out[name])})
    named.update({f"rebuilt.{i}": rebuilt for i, (_, rebuilt) in enumerate(out["rebuilt"])})
    return named


def check_derivative(model, loss, gradients):
    """The gradients along a random direction against central differences."""
    direction = {name: torch.randn_like(value) for name, value in gradients.items()}
    values = []
    for step in (1e-8, -1e-8):
        moved = copy.deepcopy(model)
        with torch.no_grad():
            for name, value in moved.named_parameters():
                value += step * direction[name]
        values.append(float(loss(moved)))
    expected = float(sum((gradients[name] * direction[name]).sum() for name in gradients))
    found = (values[0] - values[1]) / 2e-8
    return abs(found - expected) < 1e-4 * (1 + abs(expected)), (found, expected)


def golden(name, seed):
    torch.manual_seed(seed)
    config, objectives = configs[name]
    model = kinds[config["kind"]](config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(half(weight * (2 if weight.dim() > 1 else 1)))
    # The first pair shares two classes, the second none, the third one; the last video has no class.
    labels = torch.tensor(
        [[1, 1, 0, 1], [1, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]]
    ).double()
    inputs = {
        "snippets": half(torch.randn(batch, steps, config["channels"])),
        "labels": labels,
        "progress": half(torch.tensor([0.3])),
        "mask": (torch.rand(batch, steps, classes + 1) < 0.3).double(),
    }
    tensors = {f"input/{key}": value for key, value in inputs.items()}
    tensors.update({f"weight/{key}": value.detach() for key, value in model.named_parameters()})
    with torch.no_grad():
        out = model(inputs["snippets"])
        tensors.update({f"expected/{key}": value for key, value in outputs_by_name(out).items()})
    for title, objective in objectives.items():
        mask = inputs["mask"] if title == "given-mask" else None
        of = lambda model: losses(model(inputs["snippets"]), inputs, objective, mask)
        parts = of(model)
        model.zero_grad(set_to_none=True)
        sum(parts.values()).backward()
        gradients = {
            key: torch.zeros_like(value) if value.grad is None else value.grad.clone()
            for key, value in model.named_parameters()
        }
        # What stops gradients is not a derivative.
        if not {"mutual", "evidence"} & set(objective):
            fine, found = check_derivative(model, lambda moved: sum(of(moved).values()), gradients)
            assert fine, (name, title, found)
        tensors.update({f"expected/{title}/{part}": value.detach().reshape(1) for part, value in parts.items()})
        tensors.update({f"gradient/{title}/{key}": value for key, value in gradients.items()})
    return config, objectives, tensors


def write(path, metadata, tensors):
    header, data = {"__metadata__": metadata}, b""
    for name, value in tensors.items():
        given = name.startswith(("weight/", "input/"))
        raw = (value.half() if given else value.float()).contiguous().numpy().tobytes()
        offsets = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": "F16" if given else "F32", "shape": list(value.shape), "data_offsets": offsets}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


if __name__ == "__main__":
    folder = pathlib.Path(__file__).parent / "golden"
    for name in configs:
        for seed in range(100):
            closest = math.inf
            config, objectives, tensors = golden(name, seed)
            # No choice of snippets may hang on the last digits.
            if closest > 1e-5:
                break
        else:
            raise SystemExit(f"{name}: no seed without ties, the last had {closest}")
        metadata = {"config": json.dumps(config), "objectives": json.dumps(objectives)}
        write(folder / f"wtal-{name}.safetensors", metadata, tensors)
        print(name, "seed", seed, "closest", closest)
