"""Writes the files that the tests of pickles, NumPy's objects and PyTorch's checkpoints read, and expected.json.

    python3 test/unit/python-files/make.py test/unit/python-files [seed]

The committed files are those of seed 0, written with NumPy 1.24 and PyTorch 1.13. Where both are installed, the tests also
write and read files of another seed. expected.json has the values as Python has them: for each tensor or array its dtype,
shape and elements, row-major.
"""

import argparse
import collections
import json
import os
import pickle
import sys

import numpy as np
import torch

folder = sys.argv[1]
seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
random = np.random.RandomState(seed)
torch.manual_seed(seed)
expected = {"tensors": {}, "values": {}}


def path(name):
    return os.path.join(folder, name)


DTYPES = {
    torch.float64: "f64",
    torch.float32: "f32",
    torch.float16: "f16",
    torch.bfloat16: "bf16",
    torch.int64: "i64",
    torch.int32: "i32",
    torch.int16: "i16",
    torch.int8: "i8",
    torch.uint8: "u8",
    torch.bool: "bool",
}


def described(tensor):
    tensor = tensor.detach()
    return {
        "dtype": DTYPES[tensor.dtype],
        "shape": list(tensor.shape),
        "elements": tensor.reshape(-1).to(torch.float64).tolist(),
    }


def save(name, state, legacy=False, saved=None):
    torch.save(state if saved is None else saved, path(name), _use_new_zipfile_serialization=not legacy)
    expected["tensors"][name] = {key: described(value) for key, value in state.items()}


# Tensors of every dtype and layout.
def size():
    return random.randint(2, 5)


state = collections.OrderedDict()
for dtype, name in DTYPES.items():
    state[f"dtype.{name}"] = (torch.randn(size(), size()) * 3).to(dtype)
matrix = torch.randn(size() + 1, size() + 1, size() + 1)
state["transposed"] = matrix.clone().transpose(0, 2)
state["strided"] = matrix.clone()[::2, 1:, ::3]
state["column"] = torch.randn(6, 4)[:, 2]
state["shared.whole"] = matrix
state["shared.part"] = matrix[1:]
state["shared.turned"] = matrix.permute(1, 2, 0)
state["tied"] = matrix
state["scalar"] = torch.tensor(7)
state["empty"] = torch.zeros(0, 3)
state["expanded"] = torch.randn(3, 1).expand(3, 4)
state["parameter"] = torch.nn.Parameter(torch.randn(size()))
save("layouts.pth", state)
save("layouts-legacy.pth", state, legacy=True)

# As saved on a GPU.
tag = torch.serialization.location_tag
torch.serialization.location_tag = lambda storage: "cuda:0"
small = collections.OrderedDict(weight=torch.randn(2, 3), bias=torch.randn(3))
save("cuda.pth", small)
save("cuda-legacy.pth", small, legacy=True)
torch.serialization.location_tag = tag

# A training script's checkpoint: a model on several GPUs, its optimizer, and what the script knows.
model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
optimizer = torch.optim.Adam(model.parameters())
model(torch.randn(4, 3)).sum().backward()
optimizer.step()
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 4])
parallel = collections.OrderedDict((f"module.{name}", value) for name, value in model.state_dict().items())
parallel._metadata = model.state_dict()._metadata
training = {
    "epoch": 3,
    "model": parallel,
    "optimizer": optimizer.state_dict(),
    "lr_scheduler": scheduler.state_dict(),
    "opt": argparse.Namespace(lr=1e-4, name="run", device=torch.device("cpu"), sizes=torch.Size([1, 2])),
    "best": np.float32(0.5),
}
save("training.ckpt", parallel, saved=training)
average = collections.OrderedDict((name, value / 2) for name, value in parallel.items())
save("ema.ckpt", average, saved={**training, "ema": {"decay": 0.999, "state_dict": average}})

# A network with the names of CMCS's authors, small.
sizes = {"channels": 6, "width": 4, "branch": 3, "branches": 2, "classes": 5}
cmcs = collections.OrderedDict()


def layer(name, *weight):
    cmcs[f"{name}.weight"] = torch.randn(*weight)
    cmcs[f"{name}.bias"] = torch.randn(weight[0])


layer("base.base_conv_0", sizes["width"], sizes["channels"], 1)
for i in range(sizes["branches"]):
    layer(f"cls_bottoms.{i}.cls_b{i}_conv_0", sizes["branch"], sizes["width"], 3)
for i in range(sizes["branches"]):
    layer(f"cls_heads.{i}", sizes["classes"], sizes["branch"])
layer("att_bottom.att_conv_0", sizes["branch"], sizes["width"], 1)
layer("att_head", 1, sizes["branch"])
save("cmcs.pth", cmcs)
wrapped = {f"module.{name}": value for name, value in cmcs.items()}
save("cmcs-parallel.pth", wrapped, saved={"net": wrapped}, legacy=True)

# What is refused.
torch.save(model, path("whole-model.pth"))
order = sys.byteorder
sys.byteorder = "big"
torch.save(small, path("big-endian.pth"), _use_new_zipfile_serialization=False)
sys.byteorder = order


class Run:
    def __reduce__(self):
        return os.system, ("touch /tmp/tal-was-run",)


for protocol in (0, 2, 4):
    with open(path(f"runs-{protocol}.pkl"), "wb") as file:
        pickle.dump({"weights": [1, Run()]}, file, protocol)

# Arrays of NumPy that are no numbers.
words = ["Cliff diving", "Jahreszeit ü", "跳水", ""]


def plain(value):
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "OUS":
            return {"shape": list(value.shape), "values": [plain(item) for item in value.reshape(-1).tolist()]}
        return {"shape": list(value.shape), "elements": value.reshape(-1).tolist()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(plain(item) for item in value)
    if isinstance(value, bytes):
        return value.decode("latin1") if value.isascii() else list(value)
    return value.item() if isinstance(value, np.generic) else value


def objects(items):
    array = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        array[i] = item
    return array


def save_array(name, array):
    np.save(path(name), array)
    expected["values"][name] = plain(array)


features = [random.rand(2 + i, 3).astype(np.float32) for i in range(4)]
save_array("features.npy", objects(features))
save_array("segments.npy", objects([[[0.5, 1.25], [2, 3]], [], [[7.0, 9.5]]]))
save_array(
    "mixed.npy",
    objects(
        [
            None,
            True,
            7,
            2.5,
            "text",
            (1, ("nested", None)),
            {"list": [1, 2], "set": {3, 1, 2}},
            np.float64(1.5),
            np.int64(-3),
            np.bool_(True),
            np.str_("numpy text"),
            np.arange(6, dtype=">i4").reshape(2, 3),
            np.asfortranarray(np.arange(6.0).reshape(2, 3)),
            np.array(words),
            objects([1, "inner"]),
            collections.OrderedDict(a=1),
        ]
    ),
)
save_array("grid.npy", np.asfortranarray(np.array([[1, "a"], [None, 2.5]], dtype=object)))
save_array("text.npy", np.array(words).reshape(2, 2))
save_array("text-big-endian.npy", np.array(words).astype(">U12"))
save_array("bytes.npy", np.array([b"BaseballPitch", b"", b"Shot\0put"]))
for protocol in range(6):
    with open(path(f"array-{protocol}.pkl"), "wb") as file:
        pickle.dump({"x": features[0], "y": np.array(words)}, file, protocol)
expected["array"] = plain(features[0])
expected["words"] = words

# Plain values in every protocol.
value = {
    "numbers": [0, 1, -1, 255, 65536, -(2**31), 2**31, 2**53, -(2**40), 1.5, -0.25, 1e300],
    "none": None,
    "flags": (True, False),
    "text": ["", "line\nback\\slash 'quoted'", "ü跳\U0001f600", "\\u1234"],
    "bytes": b"\x00\x80\xff",
    "array": bytearray(b"ab"),
    "set": {1, 2},
    "frozen": frozenset(["x"]),
    "ordered": collections.OrderedDict([("a", [1]), ("b", {})]),
    "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
    "long": "x" * 300,
}
shared = [1, 2]
value["shared"] = [shared, shared]
for protocol in range(6):
    with open(path(f"plain-{protocol}.pkl"), "wb") as file:
        pickle.dump(value, file, protocol)
value["array"] = bytes(value["array"])
expected["plain"] = plain(value)

with open(path("expected.json"), "w") as file:
    json.dump(expected, file, separators=(",", ":"))
    file.write("\n")
