#!/usr/bin/env python3
"""Writes golden/mdvlm-*.safetensors: a second realisation of LLaDA's language model and of its decoding, in PyTorch.

Written from the papers of LLaDA (arXiv:2502.09992) and of its parts: a Llama without a causal mask (RMSNorm, rotary
embedding of halves, grouped heads, SwiGLU), and a decoding by low-confidence remasking in blocks, with guidance. It
computes in double precision; weights are random numbers that bf16 or f16 holds, so that both sides have the same.

A file holds `config` (the text of a config.json) and decodings in its metadata; weight/NAME as a checkpoint stores
them, input/NAME, expected/NAME, and gradient/NAME of a masked cross-entropy by Llama's names. Made with PyTorch 1.13.
"""
import json
import pathlib
import struct

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

# A configuration, in the key names that its config.json has.

llama = {
    "model_type": "llama",
    "hidden_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "intermediate_size": 80,
    "vocab_size": 101,
    "rope_theta": 10000.0,
    "rms_norm_eps": 1e-5,
    "max_position_embeddings": 64,
    "tie_word_embeddings": False,
    "hidden_act": "silu",
    "rope_scaling": None,
    "mask_token_id": 100,
}

llada = {
    "model_type": "llada",
    "block_type": "llama",
    "activation_type": "silu",
    "layer_norm_type": "rms",
    "d_model": 32,
    "n_layers": 2,
    "n_heads": 4,
    "n_kv_heads": None,
    "mlp_hidden_size": None,
    "mlp_ratio": 3,
    "vocab_size": 70,
    "embedding_size": 72,
    "rope": True,
    "rope_theta": 500000.0,
    "rms_norm_eps": 1e-6,
    "max_sequence_length": 48,
    "weight_tying": False,
    "include_bias": False,
    "mask_token_id": 69,
}

# Name, configuration, whether the tensors have LLaDA's names, what stands before them, their type in the file.
cases = [
    ("llama", llama, False, "", "BF16"),
    ("llada", llada, True, "", "F16"),
    ("tied", {**llada, "weight_tying": True, "n_kv_heads": 1}, True, "", "F32"),
    ("adapted", {**llama, "tie_word_embeddings": True, "head_dim": 12, "num_hidden_layers": 1}, False, "base_model.model.", "F32"),
]


class Sizes:
    def __init__(self, config):
        of_llada = "d_model" in config
        pick = lambda ours, theirs: config.get(ours if of_llada else theirs)
        self.hidden = pick("d_model", "hidden_size")
        self.layers = pick("n_layers", "num_hidden_layers")
        self.heads = pick("n_heads", "num_attention_heads")
        self.key_heads = pick("n_kv_heads", "num_key_value_heads") or self.heads
        self.head = config.get("head_dim") or self.hidden // self.heads
        self.inner = pick("mlp_hidden_size", "intermediate_size") or config["mlp_ratio"] * self.hidden
        self.vocabulary = config.get("embedding_size") or config["vocab_size"]
        self.theta = config["rope_theta"]
        self.eps = config["rms_norm_eps"]
        self.tied = pick("weight_tying", "tie_word_embeddings")
        self.mask = config["mask_token_id"]


def random_weights(sizes):
    """Weights by Llama's names. They are large enough for predictions that differ, as those of a trained model do."""
    shapes = {"model.embed_tokens": (sizes.vocabulary, sizes.hidden)}
    for i in range(sizes.layers):
        layer = f"model.layers.{i}"
        shapes[f"{layer}.input_layernorm"] = (sizes.hidden,)
        shapes[f"{layer}.self_attn.q_proj"] = (sizes.heads * sizes.head, sizes.hidden)
        shapes[f"{layer}.self_attn.k_proj"] = (sizes.key_heads * sizes.head, sizes.hidden)
        shapes[f"{layer}.self_attn.v_proj"] = (sizes.key_heads * sizes.head, sizes.hidden)
        shapes[f"{layer}.self_attn.o_proj"] = (sizes.hidden, sizes.heads * sizes.head)
        shapes[f"{layer}.post_attention_layernorm"] = (sizes.hidden,)
        shapes[f"{layer}.mlp.gate_proj"] = (sizes.inner, sizes.hidden)
        shapes[f"{layer}.mlp.up_proj"] = (sizes.inner, sizes.hidden)
        shapes[f"{layer}.mlp.down_proj"] = (sizes.hidden, sizes.inner)
    shapes["model.norm"] = (sizes.hidden,)
    if not sizes.tied:
        shapes["lm_head"] = (sizes.vocabulary, sizes.hidden)
    weights = {}
    for name, shape in shapes.items():
        if len(shape) == 1:
            value = 0.5 + torch.rand(shape)
        elif name == "model.embed_tokens":
            value = torch.randn(shape) * (0.5 if sizes.tied else 1)
        else:
            value = torch.randn(shape) * (1.5 / shape[1] ** 0.5)
        # Few bits of fraction and common exponents: bf16 and f16 both hold them.
        weights[f"{name}.weight"] = value.bfloat16().double()
    return weights


def stored_name(name):
    """LLaDA's name of a tensor that has Llama's."""
    ends = {"model.embed_tokens": "wte", "model.norm": "ln_f", "lm_head": "ff_out"}
    layers = {
        "input_layernorm": "attn_norm",
        "self_attn.q_proj": "q_proj",
        "self_attn.k_proj": "k_proj",
        "self_attn.v_proj": "v_proj",
        "self_attn.o_proj": "attn_out",
        "post_attention_layernorm": "ff_norm",
        "mlp.gate_proj": "ff_proj",
        "mlp.up_proj": "up_proj",
        "mlp.down_proj": "ff_out",
    }
    stem = name[: -len(".weight")]
    if stem in ends:
        return f"model.transformer.{ends[stem]}.weight"
    _, _, block, layer = stem.split(".", 3)
    return f"model.transformer.blocks.{block}.{layers[layer]}.weight"


# The network.


def rms_norm(x, weight, eps):
    return x / torch.sqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight


def turn(x, theta):
    """Rotary positions of (B, H, L, d): element i and element i + d / 2 are a pair."""
    length, size = x.shape[-2:]
    half = size // 2
    angles = torch.arange(length)[:, None] * theta ** (-torch.arange(half) * 2.0 / size)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()], -1)


def hidden_states(weights, sizes, ids, seen=None):
    """ids (B, L) to (B, L, D); `seen` (B, L) is False where a position is seen by none."""
    return states_of(weights, sizes, weights["model.embed_tokens.weight"][ids], seen)


def states_of(weights, sizes, x, seen=None):
    """The same of embeddings x (B, L, D)."""
    batch, length = x.shape[:2]
    w = lambda name: weights[f"{name}.weight"]
    for i in range(sizes.layers):
        layer = f"model.layers.{i}"
        h = rms_norm(x, w(f"{layer}.input_layernorm"), sizes.eps)

        def heads(name, count):
            return (h @ w(f"{layer}.self_attn.{name}").T).view(batch, length, count, sizes.head).transpose(1, 2)

        q = turn(heads("q_proj", sizes.heads), sizes.theta)
        groups = sizes.heads // sizes.key_heads
        k = turn(heads("k_proj", sizes.key_heads), sizes.theta).repeat_interleave(groups, 1)
        v = heads("v_proj", sizes.key_heads).repeat_interleave(groups, 1)
        scores = q @ k.transpose(-1, -2) / sizes.head**0.5
        if seen is not None:
            scores = scores.masked_fill(~seen[:, None, None], -torch.inf)
        mixed = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, -1)
        x = x + mixed @ w(f"{layer}.self_attn.o_proj").T
        h = rms_norm(x, w(f"{layer}.post_attention_layernorm"), sizes.eps)
        inner = F.silu(h @ w(f"{layer}.mlp.gate_proj").T) * (h @ w(f"{layer}.mlp.up_proj").T)
        x = x + inner @ w(f"{layer}.mlp.down_proj").T
    return rms_norm(x, w("model.norm"), sizes.eps)


def logits_of(weights, sizes, hidden):
    return hidden @ weights["model.embed_tokens.weight" if sizes.tied else "lm_head.weight"].T


# The decoding.


def decode(network, mask, prompt, length, block, steps, guidance):
    """LLaDA's decoding at temperature 0 of one sequence. Returns the answer after each step, and the closest call."""
    x = torch.tensor(prompt + [mask] * length)
    given = torch.arange(len(x)) < len(prompt)
    each = steps // (length // block)
    trace, closest = [], torch.inf
    for first in range(len(prompt), len(x), block):
        end = first + block
        waiting = int((x[first:end] == mask).sum())
        for step in range(each):
            if not (x[first:end] == mask).any():
                break
            logits = network(x[None])[0]
            if guidance > 0:
                without = network(torch.where(given, mask, x)[None])[0]
                logits = without + (guidance + 1) * (logits - without)
            best = logits.argmax(-1)
            sure = logits.softmax(-1).gather(-1, best[:, None])[:, 0]
            sure = sure.masked_fill((x != mask) | (torch.arange(len(x)) >= end), -torch.inf)
            count = waiting // each + (step < waiting % each)
            order = sure.argsort(descending=True)
            chosen = order[:count]
            # How far the decisions of this step are from others: single precision must come to the same.
            top = logits[chosen].topk(2).values
            closest = min([closest, *(top[:, 0] - top[:, 1]).tolist()])
            if 0 < count < len(x) and sure[order[count]] > -torch.inf:
                closest = min(closest, float(sure[order[count - 1]] - sure[order[count]]))
            x[chosen] = best[chosen]
            trace.append(x[len(prompt) :].tolist())
    return trace, closest


def decodings(weights, sizes, seed):
    network = lambda ids: logits_of(weights, sizes, hidden_states(weights, sizes, ids))
    generator = torch.Generator().manual_seed(seed)
    found = []
    for prompt_length, length, block, steps, guidance in [
        (7, 16, 16, 16, 0.0),
        (5, 24, 8, 15, 1.5),
        (1, 12, 4, 6, 0.0),
        (3, 6, 3, 12, 0.0),
        (4, 12, 3, 24, 0.0),
    ]:
        prompt = torch.randint(sizes.mask, (prompt_length,), generator=generator).tolist()
        trace, closest = decode(network, sizes.mask, prompt, length, block, steps, guidance)
        assert closest > 1e-5, f"a decision depends on {closest}: choose another seed"
        found.append(
            dict(prompt=prompt, length=length, blockLength=block, steps=steps, guidanceScale=guidance, trace=trace)
        )
    return found


# The files.


def golden(seed, config, llada_names, prefix, kind):
    torch.manual_seed(seed)
    sizes = Sizes(config)
    weights = random_weights(sizes)
    tensors = {}
    for name, value in weights.items():
        tensors[f"weight/{prefix}{stored_name(name) if llada_names else name}"] = (kind, value)
    with torch.no_grad():
        found = decodings(weights, sizes, seed)

    # Two sequences, the second padded on the left; half of the targets count, each as much as the loss of LLaDA says.
    ids = torch.randint(sizes.mask, (2, 11))
    seen = torch.ones(2, 11, dtype=bool)
    seen[1, :4] = False
    masked = (torch.rand(2, 11) < 0.5) & seen
    targets = ids.clone()
    ids[masked] = sizes.mask
    for value in weights.values():
        value.requires_grad_()
    hidden = hidden_states(weights, sizes, ids, seen)
    logits = logits_of(weights, sizes, hidden)
    loss = F.cross_entropy(logits[masked], targets[masked], reduction="sum") / 0.5 / ids.numel()
    loss.backward()
    tensors["input/ids"] = ("I32", ids)
    tensors["input/seen"] = ("I32", seen)
    tensors["input/masked"] = ("I32", masked)
    tensors["input/targets"] = ("I32", targets)
    # What a padded position becomes is nobody's concern.
    tensors["expected/hidden"] = ("F32", hidden[seen])
    tensors["expected/logits"] = ("F32", logits[seen])
    tensors["expected/loss"] = ("F32", loss.reshape(1))
    for name, value in weights.items():
        tensors[f"gradient/{name}"] = ("F32", value.grad)
    return {"config": json.dumps(config), "decodings": json.dumps(found, separators=(",", ":"))}, tensors


types = {"I32": (torch.int32, 4), "F32": (torch.float32, 4), "F16": (torch.float16, 2), "BF16": (torch.bfloat16, 2)}


def raw(kind, value):
    value = value.detach().to(types[kind][0]).contiguous()
    return value.view(torch.int16).numpy().tobytes() if kind == "BF16" else value.numpy().tobytes()


def write(path, metadata, tensors):
    header, data = {"__metadata__": metadata}, b""
    for name, (kind, value) in sorted(tensors.items(), key=lambda entry: -types[entry[1][0]][1]):
        part = raw(kind, value)
        header[name] = {"dtype": kind, "shape": list(value.shape), "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


if __name__ == "__main__":
    folder = pathlib.Path(__file__).parent / "golden"
    folder.mkdir(exist_ok=True)
    for i, (name, *case) in enumerate(cases):
        write(folder / f"mdvlm-{name}.safetensors", *golden(i, *case))
