#!/usr/bin/env python3
"""Writes golden/vision.safetensors: a second realisation of the visual side of LLaDA-V, in PyTorch, and its answers.

Written from the architecture's description: SigLIP 2's tower up to the state before the closing norm, the projector,
bilinear pooling and the token at the end of each row. It computes in double precision; weights and pixels are random
f16 numbers, so that both sides have the same. Two pictures were resized by Pillow.

The file holds the configuration (metadata `config`), weight/NAME, input/NAME, expected/NAME, and for the loss
sum(tokens * input/direction) gradient/NAME. A gradient of more than one axis is kept as two products of its matrix G
(first axis by all others): G u and v G, where u and v are the first elements of input/vector. Whoever has another
gradient has other products. Made with PyTorch 1.13 and Pillow 9.4.
"""
import json
import math
import pathlib
import struct

import numpy
import PIL.Image
import torch
import torch.nn.functional as F
from torch import nn

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

config = {
    "vision": {
        "imageSize": 22,
        "patch": 4,
        "width": 144,
        "layers": 2,
        "unusedLayers": 1,
        "heads": 2,
        "intermediate": 100,
        "epsilon": 1e-6,
    },
    "projector": {"hidden": 48},
    "pooling": {"stride": 2},
}


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            setattr(self, name, nn.Linear(width, width))

    def forward(self, x):
        q, k, v = (layer(x).unflatten(2, (self.heads, -1)) for layer in (self.q_proj, self.k_proj, self.v_proj))
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(q.shape[3])
        return self.out_proj(torch.einsum("bhqk,bkhd->bqhd", scores.softmax(3), v).flatten(2))


class FeedForward(nn.Module):
    def __init__(self, width, intermediate):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, intermediate), nn.Linear(intermediate, width)

    def forward(self, x):
        x = self.fc1(x)
        return self.fc2(0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))


class Layer(nn.Module):
    def __init__(self, width, heads, intermediate, epsilon):
        super().__init__()
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(width, epsilon), nn.LayerNorm(width, epsilon)
        self.self_attn, self.mlp = Attention(width, heads), FeedForward(width, intermediate)

    def forward(self, x):
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class Tower(nn.Module):
    def __init__(self, imageSize, patch, width, layers, heads, intermediate, epsilon, **_):
        super().__init__()
        self.embeddings = nn.Module()
        self.embeddings.patch_embedding = nn.Conv2d(3, width, patch, patch)
        self.embeddings.position_embedding = nn.Embedding((imageSize // patch) ** 2, width)
        self.encoder = nn.Module()
        self.encoder.layers = nn.ModuleList(Layer(width, heads, intermediate, epsilon) for _ in range(layers))

    def forward(self, pixels):
        x = self.embeddings.patch_embedding(pixels).flatten(2).transpose(1, 2)
        x = x + self.embeddings.position_embedding.weight
        for layer in self.encoder.layers:
            x = layer(x)
        return x


class Encoder(nn.Module):
    """Named as in LLaVA."""

    def __init__(self):
        super().__init__()
        hidden = config["projector"]["hidden"]
        self.model = nn.Module()
        self.model.vision_tower = nn.Module()
        self.model.vision_tower.vision_tower = nn.Module()
        self.model.vision_tower.vision_tower.vision_model = Tower(**config["vision"])
        self.model.mm_projector = nn.Sequential(
            nn.Linear(config["vision"]["width"], hidden), nn.GELU(), nn.Linear(hidden, hidden)
        )
        self.model.image_newline = nn.Parameter(torch.randn(hidden))

    def features(self, pixels):
        return self.model.vision_tower.vision_tower.vision_model(pixels)

    def pooled(self, projected):
        """(F, N, hidden) to (F, hidden, rows, columns)."""
        side = math.isqrt(projected.shape[1])
        across = math.ceil(side / config["pooling"]["stride"])
        grid = projected.transpose(1, 2).unflatten(2, (side, side))
        return F.interpolate(grid, size=(across, across), mode="bilinear", align_corners=False)

    def forward(self, pixels):
        pooled = self.pooled(self.model.mm_projector(self.features(pixels)))
        ends = self.model.image_newline[None, :, None, None].expand(*pooled.shape[:3], 1)
        return torch.cat([pooled, ends], 3).permute(0, 2, 3, 1).flatten(0, 2)[None]


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
        if isinstance(module, nn.LayerNorm):
            module.weight.uniform_(0.5, 1.5)
            module.bias.uniform_(-0.5, 0.5)
    for value in model.parameters():
        value.copy_(half(value))


def picture(height, width):
    """Random bytes and bright edges, which overshoot: (height, width) of red, green, blue and alpha."""
    bytes = torch.randint(0, 256, (height, width, 4), dtype=torch.uint8)
    bytes[: height // 2, : width // 2] = 255
    bytes[height // 2 :, width // 2 :] = 0
    return bytes


def resized(bytes, height, width):
    """What Pillow makes of a picture, in whole bytes: (3, height, width)."""
    image = PIL.Image.fromarray(bytes[..., :3].numpy()).resize((width, height), PIL.Image.Resampling.BICUBIC)
    return torch.tensor(numpy.array(image)).permute(2, 0, 1)


def golden():
    torch.manual_seed(0)
    model = Encoder()
    randomize(model)
    size = config["vision"]["imageSize"]
    pixels = half(torch.rand(3, 3, size, size) * 2 - 1)
    tokens = model(pixels)
    direction = half(torch.randn(tokens.shape))
    vector = half(torch.randn(150))
    tensors = {"input/pixels": pixels, "input/direction": direction, "input/vector": vector}
    with torch.no_grad():
        tensors["expected/features"] = model.features(pixels)
        tensors["expected/tokens"] = tokens
    (tokens * direction).sum().backward()
    for name, weight in model.named_parameters():
        tensors[f"weight/{name}"] = weight.detach()
        gradient = weight.grad
        if gradient.dim() == 1:
            tensors[f"gradient/{name}"] = gradient
            continue
        gradient = gradient.flatten(1)
        rows, columns = gradient.shape
        tensors[f"gradient/{name}"] = torch.cat([gradient @ vector[:columns], vector[:rows] @ gradient])
    for name, before, after in (("smaller", (47, 61), (20, 22)), ("larger", (9, 14), (24, 15))):
        bytes = picture(*before)
        tensors[f"picture/{name}"] = bytes
        tensors[f"resized/{name}"] = resized(bytes, *after)
    return tensors


def stored(name, value):
    """Type in the file, and the elements in it."""
    if value.dtype == torch.uint8:
        return "U8", value
    given = name.startswith(("weight/", "input/"))
    return ("F16", value.half()) if given else ("F32", value.float())


def write(path, tensors):
    header, data = {"__metadata__": {"config": json.dumps(config)}}, b""
    entries = [(name, value.shape, *stored(name, value)) for name, value in tensors.items()]
    for name, shape, kind, value in sorted(entries, key=lambda entry: -entry[3].element_size()):
        raw = value.detach().contiguous().numpy().tobytes()
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


if __name__ == "__main__":
    write(pathlib.Path(__file__).parent / "golden" / "vision.safetensors", golden())
