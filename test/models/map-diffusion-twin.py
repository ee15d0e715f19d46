#!/usr/bin/env python3
"""Writes golden/map-diffusion-*.safetensors: a second realisation of the moment models, in PyTorch, and its answers.

Written from the papers alone: multi-scale 2D temporal map diffusion, MS-2D-TAN (encoder and single-pass head) and
MotionDiffuse (time embedding, stylization, Transformer block). Parts marked "ours" in src/models/map-diffusion are
repeated from their description. It computes in double precision; weights and inputs are random f16 numbers, so that
both sides have the same.

A file holds the configuration (metadata `config`), weight/NAME, input/NAME, expected/NAME, and of one training step
gradient/NAME and after/NAME, the running statistics that the step leaves. Made with PyTorch 1.13.
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


# The video: one vector a clip.


def stage_padding(stage):
    return math.ceil((stage["kernel"] - stage["stride"]) / 2)


class Normed(nn.Module):
    """A convolution without bias, BatchNorm and ReLU."""

    def __init__(self, conv, bn):
        super().__init__()
        self.conv, self.bn = conv, bn

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


def stages(conv, bn, channels, configs):
    layers = []
    for stage in configs:
        options = dict(stride=stage["stride"], padding=stage_padding(stage), bias=False)
        layers.append(Normed(conv(channels, stage["channels"], stage["kernel"], **options), bn(stage["channels"])))
        channels = stage["channels"]
    return nn.Sequential(*layers), channels


def context(channels, dilations):
    return nn.ModuleList(
        Normed(nn.Conv1d(channels, channels, 3, dilation=d, padding=d, bias=False), nn.BatchNorm1d(channels))
        for d in dilations
    )


class FeatureClips(nn.Module):
    """MS-2D-TAN's ClipAvgPool: (V, channels, steps) to (V, d_F, N)."""

    def __init__(self, config, hidden, _):
        super().__init__()
        self.vis_conv = nn.Conv1d(config["channels"], hidden, 1)
        self.pool = nn.AvgPool1d(config["pool"], config["pool"])

    def forward(self, video):
        return self.pool(F.relu(self.vis_conv(video)))


class SignalClips(nn.Module):
    """Ours: (V, channels, samples) to (V, d_F, N)."""

    def __init__(self, config, hidden, _):
        super().__init__()
        self.stages, width = stages(nn.Conv1d, nn.BatchNorm1d, config["channels"], config["stages"])
        self.context = context(width, config["context"])
        self.project = nn.Conv1d(width, hidden, 1)

    def forward(self, video):
        x = self.stages(video)
        for layer in self.context:
            x = x + layer(x)
        return F.relu(self.project(x))


class FrameClips(nn.Module):
    """Ours: (V, N * frames, channels, H, W) to (V, d_F, N)."""

    def __init__(self, config, hidden, clips):
        super().__init__()
        self.clips = clips
        self.stages, width = stages(nn.Conv2d, nn.BatchNorm2d, config["channels"], config["stages"])
        shrink = math.prod(stage["stride"] for stage in config["stages"])
        pixels = config["size"][0] // shrink * (config["size"][1] // shrink)
        self.join = nn.Linear(config["frames"] * width * pixels, config["width"], bias=False)
        self.bn = nn.BatchNorm1d(config["width"])
        self.context = context(config["width"], config["context"])
        self.project = nn.Conv1d(config["width"], hidden, 1)

    def forward(self, video):
        shown = self.stages(video.flatten(0, 1))
        x = F.relu(self.bn(self.join(shown.view(len(video), self.clips, -1)).transpose(1, 2)))
        for layer in self.context:
            x = x + layer(x)
        return F.relu(self.project(x))


class Positions(nn.Module):
    """Ours: a learned vector for each clip."""

    def __init__(self, hidden, clips):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, hidden, clips) / 4)

    def forward(self, x):
        return x + self.weight


# The candidate moments and the query.


def conv_tanh(hidden, kernel, stride):
    return nn.Sequential(nn.Conv1d(hidden, hidden, kernel, stride), nn.BatchNorm1d(hidden), nn.Tanh())


class MomentMaps(nn.Module):
    """
    MS-2D-TAN's MultiScalePropConvTanhBN. Its code also sets positions beyond the end of a video to zero after each
    layer; with `masked` so does this. Valid moments do not see it, only the statistics of training do, and there the
    package leaves it out.
    """

    def __init__(self, hidden, layout):
        super().__init__()
        self.layout = layout
        self.layers = nn.ModuleList()
        for scale in range(layout["scales"]):
            count = layout["durations"] // (2 if scale else 1)
            first = conv_tanh(hidden, 3, 2) if scale else conv_tanh(hidden, 1, 1)
            self.layers.append(nn.ModuleList([first] + [conv_tanh(hidden, 2, 1) for _ in range(count - 1)]))

    def forward(self, x, lengths=None):
        masked = lengths is not None
        if masked:
            there = (torch.arange(x.shape[2]) < lengths[:, None]).double()[:, None]
        maps = []
        for scale, layers in enumerate(self.layers):
            rows, columns = self.layout["clips"] // 2**scale, self.layout["durations"]
            grid = torch.zeros(len(x), x.shape[1], rows, columns)
            column = 0
            if scale:
                half = maps[-1][:, :, ::2, 1::2]
                grid[..., : half.shape[3]] = half
                column = half.shape[3]
            for layer in layers:
                x = layer(x)
                if masked:
                    conv = layer[0]
                    there = (F.avg_pool1d(there, conv.kernel_size[0], conv.stride[0]) == 1).double()
                    x = x * there
                grid[:, :, : x.shape[2], column] = x
                column += 1
            assert column == columns
            maps.append(grid)
        return maps


class Fusion(nn.Module):
    """MS-2D-TAN's MulNormFusion."""

    def __init__(self, words, hidden):
        super().__init__()
        self.packed = words["packed"]
        self.textual_encoder = nn.LSTM(
            words["size"], words["hidden"], words["layers"], batch_first=True, bidirectional=True
        )
        self.tex_linear = nn.Linear(2 * words["hidden"], hidden)
        self.vis_conv = nn.Conv2d(hidden, hidden, 1)

    def sentence(self, vectors, counts):
        if self.packed:
            packed = nn.utils.rnn.pack_padded_sequence(vectors, counts, batch_first=True, enforce_sorted=False)
            states, _ = self.textual_encoder(packed)
            states, _ = nn.utils.rnn.pad_packed_sequence(states, batch_first=True, total_length=vectors.shape[1])
        else:
            states, _ = self.textual_encoder(vectors)
        mean = torch.stack([states[q, :count].mean(0) for q, count in enumerate(counts.tolist())])
        return self.tex_linear(mean)

    def forward(self, sentence, moments):
        return F.normalize(self.vis_conv(moments) * sentence[:, :, None, None], dim=1)


# The decoders.


class Stylization(nn.Module):
    """Equation 6 in MotionDiffuse's form, 1 + scale; the residual is the caller's."""

    def __init__(self, norm, out, channels, time):
        super().__init__()
        self.norm, self.out_layers = norm, out
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(time, 2 * channels))

    def forward(self, x, e):
        # Channels are axis 1 of maps, the last of tokens.
        both = self.emb_layers(e)
        both = both[:, :, None, None] if x.dim() == 4 else both[:, None]
        scale, shift = both.chunk(2, dim=1 if x.dim() == 4 else 2)
        return self.out_layers(F.silu(self.norm(x) * (1 + scale) + shift))


def map_style(channels, time, groups):
    return Stylization(nn.GroupNorm(groups, channels), nn.Conv2d(channels, channels, 1), channels, time)


def token_style(channels, time):
    return Stylization(nn.LayerNorm(channels), nn.Linear(channels, channels), channels, time)


class GatedConv(nn.Module):
    def __init__(self, inputs, outputs, kernel):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
        self.gate = nn.Conv2d(inputs, 1, kernel, padding=kernel // 2)

    def forward(self, x):
        return F.relu(self.conv(x)) * torch.sigmoid(self.gate(x))


class ConvolutionDecoder(nn.Module):
    def __init__(self, hidden, decoder, time):
        super().__init__()
        style = decoder["stylization"]
        self.fused_style = style["input"] == "fused"
        width = decoder["embedding"]
        self.embed = nn.Conv2d(1, width, 1)
        self.match = None
        joined = width + hidden
        if decoder["condition"] == "multiplication":
            self.match = nn.Conv2d(hidden, width, 1)
            joined = width
        self.input_style = None
        if style["input"] != "none":
            self.input_style = map_style(joined if self.fused_style else width, time, decoder["groups"])
        self.blocks = nn.ModuleList(
            GatedConv(decoder["hidden"] if i else joined, decoder["hidden"], decoder["kernel"])
            for i in range(decoder["layers"])
        )
        self.styles = None
        if style["layers"]:
            self.styles = nn.ModuleList(map_style(decoder["hidden"], time, decoder["groups"]) for _ in self.blocks)
        self.head = nn.Conv2d(decoder["hidden"], 1, 1)

    def forward(self, state, e, fused, _):
        h = self.embed(state)
        if self.input_style is not None and not self.fused_style:
            h = h + self.input_style(h, e)
        x = torch.cat([h, fused], 1) if self.match is None else h * self.match(fused)
        if self.input_style is not None and self.fused_style:
            x = x + self.input_style(x, e)
        for i, block in enumerate(self.blocks):
            x = block(x)
            if self.styles is not None:
                x = x + self.styles[i](x, e)
        return self.head(x)


class FeedForward(nn.Module):
    def __init__(self, width, time, styled):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.linear1 = nn.Linear(width, 2 * width)
        self.linear2 = nn.Linear(2 * width, width)
        self.style = token_style(width, time) if styled else None

    def forward(self, x, e):
        y = self.linear2(F.gelu(self.linear1(self.norm(x))))
        return x + (y if self.style is None else self.style(y, e))


class Block(nn.Module):
    def __init__(self, width, time, heads, styled):
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.style = token_style(width, time) if styled else None
        self.ffn = FeedForward(width, time, styled)

    def forward(self, x, e, more, valid):
        seen = self.norm(x)
        keys = seen if more is None else torch.cat([seen, self.norm(more)], 1)
        valid = valid if more is None else torch.cat([valid, valid], 1)
        q, k, v = (
            layer(tokens).unflatten(2, (self.heads, -1))
            for layer, tokens in ((self.query, seen), (self.key, keys), (self.value, keys))
        )
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(q.shape[3])
        scores = scores.masked_fill(~valid[:, None, None], -math.inf)
        y = self.out(torch.einsum("bhqk,bkhd->bqhd", scores.softmax(3), v).flatten(2))
        return self.ffn(x + (y if self.style is None else self.style(y, e)), e)


class TransformerDecoder(nn.Module):
    """
    MotionDiffuse adds a learned vector to each frame before its blocks; here each cell of the scale has one, and the
    cells of F as keys have the same (ours).
    """

    def __init__(self, hidden, decoder, time, cells):
        super().__init__()
        width = decoder["embedding"]
        self.embed = nn.Linear(1, width)
        self.match = None
        if decoder["condition"] == "cross-attention":
            self.match = nn.Linear(hidden, width)
        else:
            width += hidden
        self.positions = nn.Parameter(torch.randn(cells, width))
        styled = decoder["stylization"]["layers"]
        self.blocks = nn.ModuleList(Block(width, time, decoder["heads"], styled) for _ in range(decoder["layers"]))
        self.head = nn.Linear(width, 1)

    def forward(self, state, e, fused, valid):
        h = self.embed(state.flatten(2).transpose(1, 2))
        condition = fused.flatten(2).transpose(1, 2)
        if self.match is None:
            x, more = torch.cat([h, condition], 2) + self.positions, None
        else:
            x, more = h + self.positions, self.match(condition) + self.positions
        for block in self.blocks:
            x = block(x, e, more, valid.flatten(1) > 0)
        return self.head(x).view_as(state)


class MapModule(nn.Module):
    """MS-2D-TAN's MapGatedConv of one scale, whose pairs of convolutions have numbers for names."""

    def __init__(self, hidden, decoder):
        super().__init__()
        kernel = decoder["kernel"]
        self.blocks = nn.ModuleList(
            nn.ModuleList(
                [nn.Conv2d(hidden, hidden, kernel, padding=kernel // 2), nn.Conv2d(hidden, 1, kernel, padding=kernel // 2)]
            )
            for _ in range(decoder["layers"])
        )

    def forward(self, x):
        for conv, gate in self.blocks:
            x = F.relu(conv(x)) * torch.sigmoid(gate(x))
        return x


class Predictor(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.predictor = nn.Conv2d(hidden, 1, 1)

    def forward(self, x):
        return self.predictor(x)


def time_waves(t, width):
    frequencies = torch.exp(-math.log(10000) * torch.arange(width // 2) / (width // 2))
    angles = t[:, None].double() * frequencies
    return torch.cat([angles.cos(), angles.sin()], 1)


class MapDiffusion(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        layout, hidden, decoder = config["layout"], config["hidden"], config["decoder"]
        kinds = {"features": FeatureClips, "signal": SignalClips, "frames": FrameClips}
        self.clip_module = kinds[config["clips"]["kind"]](config["clips"], hidden, layout["clips"])
        self.positions = Positions(hidden, layout["clips"]) if config["positions"] else None
        self.prop_module = MomentMaps(hidden, layout)
        self.fusion_module = Fusion(config["words"], hidden)
        recognition = config.get("recognition")
        self.recognition = nn.Linear(hidden, recognition["kinds"], bias=False) if recognition else None
        scales = range(layout["scales"])
        if config["head"] == "single-pass":
            self.map_modules = nn.ModuleList(MapModule(hidden, decoder) for _ in scales)
            self.pred_modules = nn.ModuleList(Predictor(hidden) for _ in scales)
        else:
            width = decoder["hidden"]
            self.time_embed = nn.Sequential(nn.Linear(width, 4 * width), nn.SiLU(), nn.Linear(4 * width, 4 * width))
            cells = [layout["clips"] // 2**scale * layout["durations"] for scale in scales]
            self.one_sequence = decoder.get("sequence") == "all-scales"
            if self.one_sequence:
                cells = [sum(cells)]
            self.decoders = nn.ModuleList(
                ConvolutionDecoder(hidden, decoder, 4 * width)
                if decoder["architecture"] == "convolution"
                else TransformerDecoder(hidden, decoder, 4 * width, count)
                for count in cells
            )

    def valid(self, lengths):
        """For each scale (Q, 1, rows, A): the moments that end within the video."""
        layout = self.config["layout"]
        masks = []
        for scale in range(layout["scales"]):
            starts = torch.arange(layout["clips"] // 2**scale) * 2**scale
            durations = (torch.arange(layout["durations"]) + 1) * 2**scale
            ends = starts[:, None] + durations
            masks.append((ends[None] <= lengths[:, None, None]).double()[:, None])
        return masks

    def overlaps(self, spans, counts, lengths):
        """Equation 1 on each scale; of several true moments the best."""
        masks = self.valid(lengths)
        maps = []
        for scale, mask in enumerate(masks):
            grid = torch.zeros_like(mask)
            for q, _, i, j in mask.nonzero().tolist():
                start, end = i * 2**scale, (i + j + 1) * 2**scale
                for first, last in spans[q, : counts[q]].tolist():
                    common = max(0, min(end, last) - max(start, first))
                    union = (end - start) + (last - first) - common
                    grid[q, 0, i, j] = max(grid[q, 0, i, j].item(), common / union)
            maps.append(grid)
        return maps

    def encode(self, inputs, masked=False):
        return self.fuse(self.clip_module(inputs["video"]), inputs, masked)

    def fuse(self, x, inputs, masked=False):
        if self.positions is not None:
            x = self.positions(x)
        maps = self.prop_module(x, inputs["lengths"] if masked else None)
        of = inputs["videoOf"]
        sentence = self.fusion_module.sentence(inputs["vectors"], inputs["counts"])
        masks = self.valid(inputs["lengths"][of])
        fused = [self.fusion_module(sentence, moments[of]) * mask for moments, mask in zip(maps, masks)]
        return fused, masks

    def logits(self, states, t, fused, masks):
        if self.config["head"] == "single-pass":
            return [predict(module(x)) for module, predict, x in zip(self.map_modules, self.pred_modules, fused)]
        e = self.time_embed(time_waves(t, self.config["decoder"]["hidden"]))
        if self.one_sequence:
            # The cells of all scales, the rows of one scale after those of the other.
            states = [state * mask for state, mask in zip(states, masks)]
            seen = self.decoders[0](torch.cat(states, 2), e, torch.cat(fused, 2), torch.cat(masks, 2))
            return list(seen.split([mask.shape[2] for mask in masks], 2))
        return [
            decoder(state * mask, e, x, mask) for decoder, state, x, mask in zip(self.decoders, states, fused, masks)
        ]

    def scores(self, logits, masks):
        if self.config["loss"]["kind"] == "bce":
            logits = [torch.sigmoid(x) for x in logits]
        return [x * mask for x, mask in zip(logits, masks)]

    def alpha_bars(self):
        times = self.config["diffusion"]["times"]
        if self.config["diffusion"]["schedule"] == "linear":
            betas = torch.linspace(1e-4, 0.02, times)
        else:  # Nichol and Dhariwal's cosine
            kept = torch.cos((torch.arange(times + 1) / times + 0.008) / 1.008 * math.pi / 2) ** 2
            betas = (1 - kept[1:] / kept[:-1]).clamp(max=0.999)
        return torch.cumprod(1 - betas, 0)

    def loss(self, inputs):
        lengths = inputs["lengths"][inputs["videoOf"]]
        targets = self.overlaps(inputs["spans"], inputs["spanCounts"], lengths)
        low = self.config["loss"]["rescaleFrom"]
        targets = [((y - low) / (1 - low)).clamp(0, 1) for y in targets]
        clips = self.clip_module(inputs["video"])
        fused, masks = self.fuse(clips, inputs)
        states = None
        if self.config["head"] == "diffusion":
            kept = self.alpha_bars()[inputs["t"]][:, None, None, None]
            noises = self.split(inputs["noise"])
            states = [kept.sqrt() * y + (1 - kept).sqrt() * noise for y, noise in zip(targets, noises)]
        total = 0
        for found, wanted, mask in zip(self.logits(states, inputs["t"], fused, masks), targets, masks):
            if self.config["loss"]["kind"] == "bce":
                errors = F.binary_cross_entropy_with_logits(found, wanted, reduction="none")
            else:
                errors = (found - wanted) ** 2
            total = total + (errors * mask).sum() / mask.sum()
        if self.recognition is not None:
            logits = self.recognition(clips.transpose(1, 2)).flatten(0, 1)
            kinds = inputs["kinds"].flatten()
            known = kinds < logits.shape[1]
            missed = F.cross_entropy(logits[known], kinds[known], reduction="sum")
            total = total + self.config["recognition"]["weight"] * missed / inputs["lengths"].sum()
        return total

    def sample(self, initial, fused, masks, steps, eta=0.0, noises=None):
        """DDIM, all scales jointly; estimates are kept within [0, 1]."""
        bars = self.alpha_bars()
        times = torch.linspace(-1, len(bars) - 1, steps + 1).int().flip(0).tolist()
        states = self.split(initial)
        for step, (now, then) in enumerate(zip(times[:-1], times[1:])):
            bar, next_bar = bars[now], bars[then] if then >= 0 else torch.tensor(1.0)
            t = torch.full((len(initial),), now)
            estimates = self.scores(self.logits(states, t, fused, masks), masks)
            sigma = eta * ((1 - next_bar) / (1 - bar)).sqrt() * (1 - bar / next_bar).sqrt()
            drawn = self.split(noises[step]) if eta else [0] * len(states)
            stepped = []
            for state, estimate, noise in zip(states, estimates, drawn):
                estimate = estimate.clamp(0, 1)
                direction = (state - bar.sqrt() * estimate) / (1 - bar).sqrt()
                stepped.append(
                    next_bar.sqrt() * estimate + (1 - next_bar - sigma**2).clamp(min=0).sqrt() * direction + sigma * noise
                )
            states = stepped
        return states

    def split(self, packed):
        """(Q, R, A), the rows of all scales under one another, to (Q, 1, rows, A) of each."""
        layout = self.config["layout"]
        rows = [layout["clips"] // 2**scale for scale in range(layout["scales"])]
        return [part[:, None] for part in packed.split(rows, 1)]


def pack(maps):
    return torch.cat([x[:, 0] for x in maps], 1)


# Configurations: each is this one with some parts replaced.

base = {
    "layout": {"clips": 16, "scales": 2, "durations": 4},
    "clips": {"kind": "features", "channels": 6, "pool": 1},
    "words": {"size": 6, "hidden": 4, "layers": 2, "packed": False},
    "hidden": 8,
    "positions": False,
    "head": "diffusion",
    "decoder": {
        "architecture": "convolution",
        "condition": "concatenation",
        "embedding": 4,
        "hidden": 6,
        "layers": 2,
        "kernel": 3,
        "groups": 2,
        "heads": 2,
        "stylization": {"input": "fused", "layers": True},
    },
    "diffusion": {"times": 1000, "schedule": "linear"},
    "loss": {"kind": "mse", "rescaleFrom": 0},
}
rescaled = {"kind": "bce", "rescaleFrom": 0.5}
transformer = {"architecture": "transformer"}
configs = {
    "paper": {"layout": {"scales": 3}, "words": {"layers": 3}},
    "signal": {
        "layout": {"scales": 3},
        "clips": {
            "kind": "signal",
            "channels": 3,
            "stages": [{"channels": 4, "kernel": 5, "stride": 3}, {"channels": 6, "kernel": 4, "stride": 2}],
            "context": [1, 2],
        },
        "words": {"layers": 1, "packed": True},
        "positions": True,
        "decoder": {"kernel": 5, "stylization": {"input": "state"}},
    },
    "transformer-concatenation": {
        "decoder": {**transformer, "heads": 3},
        "diffusion": {"schedule": "cosine"},
    },
    "transformer-cross-attention": {
        "words": {"packed": True},
        "decoder": {**transformer, "condition": "cross-attention", "embedding": 6},
    },
    "multiplication": {"decoder": {"condition": "multiplication", "kernel": 5}, "loss": rescaled},
    "single-pass": {
        "layout": {"clips": 9, "scales": 1, "durations": 5},
        "head": "single-pass",
        "decoder": {"kernel": 5},
        "loss": rescaled,
    },
    "single-pass-pooled": {
        "clips": {"channels": 5, "pool": 4},
        "head": "single-pass",
        "decoder": {"layers": 1, "kernel": 3},
        "loss": rescaled,
    },
    "frames": {
        "clips": {
            "kind": "frames",
            "channels": 3,
            "size": [8, 4],
            "frames": 2,
            "width": 10,
            "stages": [{"channels": 3, "kernel": 3, "stride": 2}, {"channels": 4, "kernel": 2, "stride": 2}],
            "context": [1],
        },
        "recognition": {"kinds": 5, "weight": 0.3},
        "decoder": {"stylization": {"input": "none", "layers": False}},
    },
    "transformer-one-sequence": {
        "decoder": {**transformer, "condition": "cross-attention", "sequence": "all-scales", "embedding": 6},
    },
}


def merged(whole, change):
    """`whole` with the fields of `change`, part by part; a part of another kind takes its place."""
    if "kind" in change and change["kind"] != whole["kind"]:
        return change
    return {
        **whole,
        **{
            key: merged(whole[key], value) if isinstance(value, dict) and key in whole else value
            for key, value in change.items()
        },
    }


def half(x):
    """Rounded to numbers that f16 holds."""
    return x.half().double()


@torch.no_grad()
def randomize(model):
    """Weights of variance 1 / inputs, so that signals keep their size; norms with no zeros and ones."""
    for weight in model.parameters():
        if weight.dim() > 1:
            weight *= math.sqrt(3)  # PyTorch starts with a third of it.
    for module in model.modules():
        if isinstance(module, (nn.GroupNorm, nn.LayerNorm, nn.modules.batchnorm._BatchNorm)):
            module.weight.uniform_(0.5, 1.5)
            module.bias.uniform_(-0.5, 0.5)
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.uniform_(-0.5, 0.5)
            module.running_var.uniform_(0.3, 2)
    for decoder in getattr(model, "decoders", []):
        # Most scores within the bounds of sampling, some beyond.
        decoder.head.weight /= 4
        decoder.head.bias.fill_(0.4)
    for value in model.state_dict().values():
        if value.is_floating_point():
            value.copy_(half(value))


def random_inputs(config, shared):
    """Three queries, each about a video of its own, or with `shared` two of them about the same."""
    layout, clips, words = config["layout"], config["clips"], config["words"]
    n, videos = layout["clips"], 2 if shared else 3
    if clips["kind"] == "features":
        shape = (videos, clips["channels"], n * clips["pool"])
    elif clips["kind"] == "signal":
        shape = (videos, clips["channels"], n * math.prod(stage["stride"] for stage in clips["stages"]))
    else:
        shape = (videos, n * clips["frames"], clips["channels"], *clips["size"])
    video = half(torch.randn(shape))
    lengths = torch.tensor([n, n * 5 // 8, n * 3 // 4][:videos])
    time_axis = 1 if clips["kind"] == "frames" else 2
    for v, length in enumerate(lengths.tolist()):
        steps = shape[time_axis] // n * length
        video[v].narrow(time_axis - 1, steps, shape[time_axis] - steps).zero_()
    counts = torch.tensor([5, 2, 3])
    vectors = half(torch.randn(3, 5, words["size"]))
    for q, count in enumerate(counts.tolist()):
        vectors[q, count:] = 0
    spans = half(torch.rand(3, 2, 2) * torch.tensor([n / 3, n / 4]))
    spans[..., 1] += spans[..., 0] + 1
    rows = sum(n // 2**scale for scale in range(layout["scales"]))
    kinds = {}
    if "recognition" in config:
        # One beyond the kinds is not known: so are those of the padding.
        known = torch.arange(n) < lengths[:, None]
        kinds["kinds"] = torch.where(known, torch.randint(config["recognition"]["kinds"] + 1, (videos, n)), 1000)
    return {
        **kinds,
        "video": video,
        "lengths": lengths,
        "videoOf": torch.tensor([1, 0, 1] if shared else [0, 1, 2]),
        "vectors": vectors,
        "counts": counts,
        "spans": half(spans),
        "spanCounts": torch.tensor([2, 1, 1]),
        "noise": half(torch.randn(3, rows, layout["durations"])),
        "t": torch.tensor([700, 3, 250]),
    }


def check_derivative(model, inputs, gradients):
    """The gradients along a random direction against central differences."""
    direction = {name: torch.randn_like(value) for name, value in gradients.items()}
    values = []
    for step in (1e-7, -1e-7):
        moved = copy.deepcopy(model)
        with torch.no_grad():
            for name, value in moved.named_parameters():
                value += step * direction[name]
            values.append(moved.loss(inputs))
    expected = sum((gradients[name] * direction[name]).sum() for name in gradients)
    assert abs((values[0] - values[1]) / 2e-7 - expected) < 1e-5 * (1 + abs(expected)), (values, expected)


def golden(name):
    torch.manual_seed(list(configs).index(name))
    config = merged(base, configs[name])
    model = MapDiffusion(config)
    randomize(model)
    inputs = random_inputs(config, shared=name == "signal")
    tensors = {f"input/{key}": value for key, value in inputs.items()}

    def keep(kind, values):
        tensors.update({f"{kind}/{key}": value.detach().clone() for key, value in values.items()})

    state = {key: value for key, value in model.state_dict().items() if value.is_floating_point()}
    keep("weight", state)
    model.eval()
    with torch.no_grad():
        fused, masks = model.encode(inputs)
        for one, other in zip(fused, model.encode(inputs, masked=True)[0]):
            assert torch.equal(one, other), "a valid moment saw beyond the end of its video"
        parts = [torch.cat(fused, 2)] if config["decoder"].get("sequence") == "all-scales" else fused
        keep("expected", {f"fused.{k}": x for k, x in enumerate(parts)})
        if config["head"] == "single-pass":
            keep("expected", {"map": pack(model.scores(model.logits(None, None, fused, masks), masks))})
        else:
            states = model.split(inputs["noise"])
            step = model.scores(model.logits(states, inputs["t"], fused, masks), masks)
            keep("expected", {"step": pack(step), "map": pack(model.sample(inputs["noise"], fused, masks, 10))})
        if name == "paper":
            noises = half(torch.randn(10, *inputs["noise"].shape))
            keep("input", {"noises": noises})
            keep("expected", {"noisyMap": pack(model.sample(inputs["noise"], fused, masks, 10, 0.5, noises))})

    model.train()
    before = copy.deepcopy(model)
    loss = model.loss(inputs)
    loss.backward()
    gradients = {
        key: torch.zeros_like(value) if value.grad is None else value.grad for key, value in model.named_parameters()
    }
    check_derivative(before, inputs, gradients)
    keep("expected", {"loss": loss.reshape(1)})
    keep("gradient", gradients)
    keep("after", {key: value for key, value in model.state_dict().items() if "running" in key})
    return config, tensors


def stored(name, value):
    """Type in the file, and the elements in it."""
    if not value.is_floating_point():
        return "I32", value.int()
    given = name.startswith(("weight/", "input/"))
    return ("F16", value.half()) if given else ("F32", value.float())


def write(path, config, tensors):
    header, data = {"__metadata__": {"config": json.dumps(config)}}, b""
    entries = [(name, value.shape, *stored(name, value)) for name, value in tensors.items()]
    for name, shape, kind, value in sorted(entries, key=lambda entry: -entry[3].element_size()):
        raw = value.contiguous().numpy().tobytes()
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


folder = pathlib.Path(__file__).parent / "golden"
folder.mkdir(exist_ok=True)
for name in configs:
    write(folder / f"map-diffusion-{name}.safetensors", *golden(name))
