"""Saves the f32 tensors of a safetensors file as training scripts of the Moment-DETR family save a run: the state dict with
that of an optimizer and a scheduler, the epoch, and the settings as a namespace.

    python3 test/unit/python-files/save-run.py MODEL.safetensors OUT.ckpt [SETTINGS-JSON]
"""

import argparse
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

weights = [torch.nn.Parameter(value.clone()) for value in state.values()]
optimizer = torch.optim.AdamW(weights, lr=1e-4, weight_decay=1e-4)
for weight in weights:
    weight.grad = torch.ones_like(weight)
optimizer.step()
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 400)
checkpoint = {
    "model": state,
    "optimizer": optimizer.state_dict(),
    "lr_scheduler": scheduler.state_dict(),
    "epoch": 3,
}
if len(sys.argv) > 3:
    checkpoint["opt"] = argparse.Namespace(**json.loads(sys.argv[3]), device=torch.device("cpu"))
torch.save(checkpoint, sys.argv[2])
