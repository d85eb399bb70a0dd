# SPDX-License-Identifier: MIT
"""The capture function of docs/captures.md (saved as qns_capture.py) on a network that PyTorch quantizes.

One layer gets a weight that does not fit its scale; qns compare must rank it as the worst weight.
"""
import json
import subprocess
import sys

sys.path.insert(0, ".")
try:
    import h5py  # noqa: F401
    import numpy as np
    import torch
    import torch.nn as nn
except ImportError as e:
    print("SKIP:", e)
    sys.exit(77)
from qns_capture import capture

torch.manual_seed(1)
torch.backends.quantized.engine = "qnnpack"


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.quant = torch.ao.quantization.QuantStub()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1)
        self.relu2 = nn.ReLU()
        self.fc = nn.Linear(8 * 28 * 28, 10)
        self.dequant = torch.ao.quantization.DeQuantStub()

    def forward(self, x):
        x = self.relu1(self.conv1(self.quant(x)))
        x = self.relu2(self.conv2(x))
        return self.dequant(self.fc(torch.flatten(x, 1)))


images = torch.from_numpy(np.load("eval_images.npy")[:20].astype(np.float32) / 255)[:, None]
batches = [images[i:i + 5] for i in range(0, 20, 5)]
net = Net().eval()
with torch.no_grad():
    net.conv2.weight[0, 0, 0, 0] = 30.0  # one outlier eats the resolution of all others
net = torch.ao.quantization.fuse_modules(net, [["conv1", "relu1"], ["conv2", "relu2"]])
capture(net, batches, "float.h5")
for m in net.modules():
    m._forward_hooks.clear()
net.qconfig = torch.ao.quantization.get_default_qconfig("qnnpack")
prepared = torch.ao.quantization.prepare(net)
for x in batches:
    prepared(x)
quantized = torch.ao.quantization.convert(prepared)
capture(quantized, batches, "quant.h5")

out = subprocess.run(["qns", "compare", "float.h5", "quant.h5", "--json"], check=True, capture_output=True)
result = json.loads(out.stdout)
layers = {l["name"]: l for l in result["layers"]}
print({n: (l.get("activation", {}).get("sqnr_db"), l.get("weight", {}).get("sqnr_db")) for n, l in layers.items()})
weights = {n: l["weight"]["sqnr_db"] for n, l in layers.items() if "sqnr_db" in l.get("weight", {})}
assert len(weights) == 3, weights
# QNS must find what numpy finds in the same files.
with h5py.File("float.h5") as f, h5py.File("quant.h5") as q:
    for name, l in layers.items():
        a = l.get("activation")
        if not a or "sqnr_db" not in a or "activations/" + name not in q:
            continue
        r = f["activations/" + name][()].astype(np.float64)
        d = q["activations/" + name]
        t = d[()].astype(np.float64)
        if "scale" in d.attrs:
            t = (t - d.attrs["zero_point"]) * d.attrs["scale"]
        want = 10 * np.log10((r * r).sum() / ((r - t) ** 2).sum())
        assert abs(want - a["sqnr_db"]) < 1e-3, (name, want, a["sqnr_db"])
assert result["samples"] == 20
print("PyTorch captures compare: worst activation", result["ranking"][0])
