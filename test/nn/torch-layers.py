#!/usr/bin/env python3
"""Writes torch-layers.safetensors: small PyTorch layers with an input and PyTorch's output for each.

The tests of src/nn hold the layers against it. Names: LAYER/state/NAME, LAYER/input, LAYER/output and, where
the layer has more operands or results, LAYER/lengths, LAYER/hidden, LAYER/cell, LAYER/key, LAYER/mask and so on. Made with PyTorch 1.13.
"""
import json
import pathlib
import struct

import torch
from torch import nn

torch.manual_seed(7)
tensors = {}


def keep(layer, module, values, inputs):
    for name, value in module.state_dict().items():
        tensors[f"{layer}/state/{name}"] = value
    tensors[f"{layer}/input"] = inputs
    for name, value in values.items():
        tensors[f"{layer}/{name}"] = value


@torch.no_grad()
def layer(name, module, inputs):
    module.eval()
    for parameter in module.parameters():
        if parameter.dim() == 1:  # The default of many biases is zero, of many scales one.
            parameter.uniform_(-1, 1)
    keep(name, module, {"output": module(inputs)}, inputs)


@torch.no_grad()
def lstm(name, inputs, lengths=None, **options):
    module = nn.LSTM(3, 4, batch_first=True, **options)
    if lengths is None:
        output, (hidden, cell) = module(inputs)
        more = {}
    else:
        packed = nn.utils.rnn.pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
        output, (hidden, cell) = module(packed)
        output, _ = nn.utils.rnn.pad_packed_sequence(output, batch_first=True, total_length=inputs.shape[1])
        more = {"lengths": lengths.int()}
    keep(name, module, {"output": output, "hidden": hidden, "cell": cell, **more}, inputs)


layer("linear", nn.Linear(5, 3), torch.randn(2, 4, 5))
layer("linear_without_bias", nn.Linear(5, 3, bias=False), torch.randn(2, 5))
layer("conv1d", nn.Conv1d(3, 4, 3, padding=1), torch.randn(2, 3, 7))
layer("conv1d_strided", nn.Conv1d(3, 4, 3, stride=2, dilation=2, bias=False), torch.randn(2, 3, 9))
layer("conv2d", nn.Conv2d(3, 4, (3, 5), padding=(1, 2)), torch.randn(2, 3, 6, 7))
layer("embedding", nn.Embedding(6, 3), torch.randint(0, 6, (2, 4)))
layer("layer_norm", nn.LayerNorm(6), torch.randn(2, 3, 6) * 3 + 1)
layer("layer_norm_plain", nn.LayerNorm(6, eps=0.1, elementwise_affine=False), torch.randn(2, 6))
layer("group_norm", nn.GroupNorm(2, 6), torch.randn(2, 6, 3, 4) * 3 + 1)
batch_norm = nn.BatchNorm1d(4)
batch_norm.running_mean.uniform_(-1, 1)
batch_norm.running_var.uniform_(0.2, 3)
batch_norm.num_batches_tracked.fill_(12)
layer("batch_norm1d", batch_norm, torch.randn(2, 4, 5))
lstm("lstm", torch.randn(2, 5, 3))
lstm("lstm_deep", torch.randn(2, 5, 3), num_layers=3, bidirectional=True)
lstm("lstm_lengths", torch.randn(4, 5, 3), torch.tensor([3, 5, 1, 4]), num_layers=2, bidirectional=True)



@torch.no_grad()
def attention(name, masked=False, **operands):
    """Attention; PyTorch masks the keys that are True, ours those that are 0."""
    module = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    for parameter in module.parameters():
        if parameter.dim() == 1:
            parameter.uniform_(-1, 1)
    query = torch.randn(2, 4, 8)
    key, value = operands.get("key", query), operands.get("value", operands.get("key", query))
    mask = torch.tensor([[1] * key.shape[1], [1] * (key.shape[1] - 2) + [0] * 2]) if masked else None
    output, _ = module(query, key, value, key_padding_mask=None if mask is None else mask == 0)
    more = {} if mask is None else {"mask": mask.int()}
    keep(name, module, {"output": output, **operands, **more}, query)


@torch.no_grad()
def block(name, kind=nn.TransformerEncoderLayer, **options):
    module = kind(8, 2, 12, batch_first=True, **options)
    # In evaluation mode PyTorch takes another path, with other numbers for positions that are masked.
    for child in module.modules():
        if isinstance(child, nn.Dropout):
            child.p = 0.0
    module.self_attn.dropout = 0.0
    for parameter in module.parameters():
        if parameter.dim() == 1:
            parameter.uniform_(-1, 1)
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    inputs = torch.randn(2, 5, 8)
    output = module(inputs, src_key_padding_mask=mask == 0)
    keep(name, module, {"output": output, "mask": mask.int()}, inputs)


@torch.no_grad()
def decoder_block(name, **options):
    module = nn.TransformerDecoderLayer(8, 2, 12, dropout=0.0, batch_first=True, **options).eval()
    for parameter in module.parameters():
        if parameter.dim() == 1:
            parameter.uniform_(-1, 1)
    inputs, memory = torch.randn(2, 3, 8), torch.randn(2, 5, 8)
    mask = torch.tensor([[1, 1, 1], [1, 1, 0]])
    memory_mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])
    causal = torch.triu(torch.ones(3, 3, dtype=torch.bool), diagonal=1)
    output = module(
        inputs, memory, causal, tgt_key_padding_mask=mask == 0, memory_key_padding_mask=memory_mask == 0
    )
    values = {"output": output, "mask": mask.int(), "memory": memory, "memory_mask": memory_mask.int()}
    keep(name, module, values, inputs)


attention("attention", masked=True)
attention("attention_cross", masked=True, key=torch.randn(2, 5, 8), value=torch.randn(2, 5, 8))
attention("attention_memory", key=torch.randn(2, 3, 8))
block("transformer_post")
block("transformer_pre", norm_first=True, activation="gelu")
decoder_block("transformer_decoder")
decoder_block("transformer_decoder_pre", norm_first=True)


def attention_weights(name, masked=False, **options):
    """Attention with its probabilities, and the gradients of a loss of both."""
    module = nn.MultiheadAttention(8, 2, batch_first=True, **options).eval()
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.dim() == 1:
                parameter.uniform_(-1, 1)
    query = torch.randn(2, 4, 8, requires_grad=True)
    key = torch.randn(2, 5, options.get("kdim", 8), requires_grad=True)
    value = torch.randn(2, 5, options.get("vdim", 8), requires_grad=True)
    mask = torch.tensor([[1] * 5, [1, 0, 1, 1, 0]]) if masked else None
    padding = None if mask is None else mask == 0
    _, mean = module(query, key, value, key_padding_mask=padding)
    output, weights = module(query, key, value, key_padding_mask=padding, average_attn_weights=False)
    factors = {"output_factor": torch.randn(2, 4, 8), "weights_factor": torch.randn(2, 2, 4, 5)}
    loss = (output * factors["output_factor"]).sum() + (weights * factors["weights_factor"]).sum()
    wanted = {"query": query, "key": key, "value": value, **dict(module.named_parameters())}
    gradients = torch.autograd.grad(loss, list(wanted.values()))
    values = {"output": output, "weights": weights, "mean_weights": mean, "key": key, "value": value, **factors}
    values |= {f"gradient/{at}": gradient for at, gradient in zip(wanted, gradients)}
    values |= {} if mask is None else {"mask": mask.int()}
    keep(name, module, {at: tensor.detach() for at, tensor in values.items()}, query.detach())


@torch.no_grad()
def placed_block(name, cross=False, pre=False):
    """A layer of DETR (arXiv:2005.12872, appendix A.3): positions are added to queries and keys in each layer."""
    kind = nn.TransformerDecoderLayer if cross else nn.TransformerEncoderLayer
    module = kind(8, 2, 12, dropout=0.0, batch_first=True).eval()
    for parameter in module.parameters():
        if parameter.dim() == 1:
            parameter.uniform_(-1, 1)
    x, memory = torch.randn(2, 3, 8), torch.randn(2, 5, 8)
    positions, memory_positions = torch.randn(3, 8), torch.randn(2, 5, 8)
    mask = torch.tensor([[1, 1, 1], [1, 1, 0]])
    memory_mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])

    def attend(y):
        return module.self_attn(y + positions, y + positions, y, key_padding_mask=mask == 0)[0]

    def attend_memory(y):
        keys = memory + memory_positions
        return module.multihead_attn(y + positions, keys, memory, key_padding_mask=memory_mask == 0)[0]

    def feed(y):
        return module.linear2(torch.relu(module.linear1(y)))

    norms = [module.norm1, module.norm2] + ([module.norm3] if cross else [])
    y = x
    for norm, part in zip(norms, [attend] + ([attend_memory] if cross else []) + [feed]):
        y = y + part(norm(y)) if pre else norm(y + part(y))
    values = {"output": y, "mask": mask.int(), "positions": positions}
    if cross:
        values |= {"memory": memory, "memory_mask": memory_mask.int(), "memory_positions": memory_positions}
    keep(name, module, values, x)


attention_weights("attention_weights", masked=True)
attention_weights("attention_widths", kdim=6, vdim=5)
placed_block("transformer_positions")
placed_block("transformer_positions_pre", pre=True)
placed_block("transformer_decoder_positions", cross=True)
placed_block("transformer_decoder_positions_pre", cross=True, pre=True)


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(5, 6), nn.Linear(6, 6), nn.Linear(6, 3)])

    def forward(self, x):
        for at in self.layers[:-1]:
            x = torch.relu(at(x))
        return self.layers[-1](x)


class PReluBlock(nn.TransformerEncoderLayer):
    def __init__(self, *sizes, **options):
        super().__init__(*sizes, activation="relu", **options)
        self.activation = nn.PReLU()


layer("mlp", Mlp(), torch.randn(2, 4, 5))
layer("prelu", nn.PReLU(), torch.randn(2, 3, 6))
block("transformer_prelu", kind=PReluBlock)

kinds = {torch.float32: "F32", torch.int64: "I64", torch.int32: "I32"}
header, data = {}, b""
for name, value in sorted(tensors.items(), key=lambda item: -item[1].element_size()):
    raw = value.contiguous().numpy().tobytes()
    header[name] = {
        "dtype": kinds[value.dtype],
        "shape": list(value.shape),
        "data_offsets": [len(data), len(data) + len(raw)],
    }
    data += raw
text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
target = pathlib.Path(__file__).with_suffix(".safetensors")
target.write_bytes(struct.pack("<Q", len(text)) + text + data)
