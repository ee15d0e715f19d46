#!/usr/bin/env python3
"""Writes golden/video-mdvlm.safetensors: a second realisation of all of LLaDA-V, in PyTorch, and its answers.

Composed of the twins of its parts: the weights are those of golden/vision.safetensors and of golden/mdvlm-llama.safetensors,
and lie there. The visual tokens of three frames stand at their place among the embeddings of a prompt; an answer of masks
follows. It is decoded as LLaDA-V decodes: tokens of the template are banned, and all ends when what stands before the
first token that ends an answer is there.

The file holds in its metadata `case` (the prompt's ids with -200 where the visual tokens go, banned ids, the id that ends
an answer, the sizes) and `trace`, the answer after each step; and expected/hidden, expected/logits of all positions in the
first step, expected/confidence of the answer's tokens when they were chosen. Made with PyTorch 1.13.
"""
import importlib.util
import json
import math
import pathlib
import struct

import torch

here = pathlib.Path(__file__).parent
VISUAL = -200


def twin(name):
    spec = importlib.util.spec_from_file_location(name.replace("-", "_"), here / f"{name}-twin.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


vision, language = twin("vision"), twin("mdvlm")


def stored(name):
    """The tensors of a golden file in double precision, and its metadata."""
    data = (here / "golden" / f"{name}.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        kinds = {"F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32, "I32": torch.int32}
        if entry["dtype"] in kinds:
            value = torch.frombuffer(bytearray(data[begin:end]), dtype=kinds[entry["dtype"]])
            tensors[name] = value.view(entry["shape"]).double()
    return tensors, metadata


def weights_in(tensors):
    return {name[len("weight/") :]: value for name, value in tensors.items() if name.startswith("weight/")}


def decode(states, logits_of, case, mask):
    """At temperature 0. Returns the answer after each step, the confidences, and the closest call."""
    length, block = case["length"], case["blockLength"]
    answer = torch.full((length,), mask)
    confidence = torch.zeros(length)
    each = case["steps"] // (length // block)
    trace, closest = [], math.inf
    for first in range(0, length, block):
        for step in range(each):
            waiting = (answer == mask) & (torch.arange(length) >= first) & (torch.arange(length) < first + block)
            # Once the answer has an end, what is after it is left.
            ends = (answer == case["stop"]).nonzero()
            if len(ends) > 0:
                waiting &= torch.arange(length) < ends[0]
            logits = logits_of(states(answer))[0, -length:].clone()
            logits[:, [mask, *case["banned"]]] = -math.inf
            sure, best = logits.softmax(-1).max(-1)
            order = sure.masked_fill(~waiting, -math.inf).argsort(descending=True)
            count = min(block // each + (step < block % each), int(waiting.sum()))
            chosen = order[:count]
            top = logits[chosen].topk(2).values
            closest = min([closest, *(top[:, 0] - top[:, 1]).tolist()])
            if waiting.sum() > count:
                closest = min(closest, float(sure[order[count - 1]] - sure[order[count]]))
            answer[chosen], confidence[chosen] = best[chosen], sure[chosen]
            trace.append(answer.tolist())
            before = trace[-1][: trace[-1].index(case["stop"])] if case["stop"] in trace[-1] else trace[-1]
            if mask not in before:
                return trace, confidence, closest
    return trace, confidence, closest


@torch.no_grad()
def golden():
    seen, seen_metadata = stored("vision")
    said, said_metadata = stored("mdvlm-llama")
    assert json.loads(seen_metadata["config"]) == vision.config
    encoder = vision.Encoder()
    encoder.load_state_dict(weights_in(seen))
    visual = encoder(seen["input/pixels"])
    weights, sizes = weights_in(said), language.Sizes(json.loads(said_metadata["config"]))
    mask = sizes.mask

    torch.manual_seed(3)
    before, after = torch.randint(mask, (9,)).tolist(), torch.randint(mask, (6,)).tolist()
    case = dict(prompt=[*before, VISUAL, *after], banned=[], stop=-1, length=12, blockLength=6, steps=8)
    embed = lambda ids: weights["model.embed_tokens.weight"][torch.as_tensor(ids)][None]
    states = lambda answer: language.states_of(
        weights, sizes, torch.cat([embed(before), visual, embed(after), embed(answer)], 1)
    )
    logits_of = lambda hidden: language.logits_of(weights, sizes, hidden)
    # What is said freely tells which tokens to ban and which one to end with, so that both rules matter.
    free, *_ = decode(states, logits_of, case, mask)
    case["banned"] = free[-1][2:4]
    banned, *_ = decode(states, logits_of, case, mask)
    assert free[-1] != banned[-1]
    for case["stop"] in banned[-1]:
        trace, confidence, closest = decode(states, logits_of, case, mask)
        # What is left after the end goes before it sooner than without one.
        if 2 < len(trace) < case["steps"] and mask in trace[-1] and trace != banned[: len(trace)]:
            break
    else:
        raise AssertionError("nothing ends the answer early, or its end changes nothing: choose another seed")
    assert closest > 1e-5, f"a decision depends on {closest}: choose another seed"

    hidden = states(torch.full((case["length"],), mask))
    tensors = {
        "expected/hidden": ("F32", hidden),
        "expected/logits": ("F32", logits_of(hidden)),
        "expected/confidence": ("F32", confidence),
    }
    return {"case": json.dumps(case), "trace": json.dumps(trace)}, tensors


if __name__ == "__main__":
    language.write(here / "golden" / "video-mdvlm.safetensors", *golden())
