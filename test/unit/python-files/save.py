"""Saves the f32 tensors of a safetensors file as a state dict of PyTorch, in both forms.

    python3 test/unit/python-files/save.py MODEL.safetensors OUT.pth OUT-legacy.pth
"""

import collections
import json
import struct
import sys

import numpy as np
import torch

with open(sys.argv[1], "rb") as file:
    (length,) = struct.unpack("<Q", file.read(8))
    header = json.loads(file.read(length))
    data = file.read()
state = collections.OrderedDict()
for name, entry in header.items():
    begin, end = entry["data_offsets"]
    values = np.frombuffer(data[begin:end], dtype="<f4").reshape(entry["shape"])
    state[name] = torch.from_numpy(values.copy())
torch.save(state, sys.argv[2])
torch.save(state, sys.argv[3], _use_new_zipfile_serialization=False)
