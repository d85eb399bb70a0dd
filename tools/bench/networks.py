#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the networks that the benchmarks run: real shapes, random weights.

    usage: networks.py FOLDER [--size 224] [--images 32] [--seed 1] [NETWORK...]

Writes FOLDER/NETWORK.onnx, FOLDER/calib.npy and FOLDER/eval.npy (float32, N x 3 x SIZE x SIZE). NETWORK is one
of resnet18, resnet50 and mobilenet_v2; all three when none is named. The axis 0 of a model is called batch.

Weights are torchvision's initial ones. Batch-norm statistics are computed: with the initial 0 and 1 activations
would grow from layer to layer until no int8 scale fits. Speed depends on shapes only, so the outputs need not mean
anything, but no layer may be dead or overflow. "qns quantize" makes the Q/DQ files."""
import argparse
import os
import sys

import numpy as np
import torch
import torchvision

NETWORKS = ("resnet18", "resnet50", "mobilenet_v2")


def images(n, size, seed):
    """Noise of several scales on top of each other, about mean 0 and deviation 1: neighbours are alike, as in photographs."""
    rng = torch.Generator().manual_seed(seed)
    x = torch.zeros(n, 3, size, size)
    for cells in (3, 12, 48, size):
        coarse = torch.randn(n, 3, cells, cells, generator=rng)
        x += torch.nn.functional.interpolate(coarse, size=(size, size), mode="bilinear", align_corners=False)
    return (x - x.mean()) / x.std()


def make(name, x, seed):
    torch.manual_seed(seed)
    net = getattr(torchvision.models, name)(weights=None)
    for m in net.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.momentum = None  # plain average of all batches
            # Trained networks have gains and shifts of all sizes; per-channel scales should see some.
            torch.nn.init.uniform_(m.weight, 0.5, 1.5)
            torch.nn.init.normal_(m.bias, 0.0, 0.2)
    net.train()
    with torch.no_grad():
        for at in range(0, len(x), 8):
            net(x[at : at + 8])
    return net.eval()


def main():
    args = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    args.add_argument("folder")
    args.add_argument("network", nargs="*", metavar="NETWORK", help="resnet18, resnet50 or mobilenet_v2; default: all")
    args.add_argument("--size", type=int, default=224, help="height and width of the images; at least 32")
    args.add_argument("--images", type=int, default=32, help="images in each of the two files")
    args.add_argument("--seed", type=int, default=1)
    a = args.parse_args()
    unknown = [n for n in a.network if n not in NETWORKS]
    if unknown:
        args.error(f"no network '{unknown[0]}'; there are {', '.join(NETWORKS)}")
    if a.size < 32 or a.images < 1:
        args.error("--size takes 32 or more, --images 1 or more")
    os.makedirs(a.folder, exist_ok=True)
    calib = images(a.images, a.size, a.seed)
    np.save(os.path.join(a.folder, "calib.npy"), calib.numpy())
    np.save(os.path.join(a.folder, "eval.npy"), images(a.images, a.size, a.seed + 1).numpy())
    for name in a.network or NETWORKS:
        path = os.path.join(a.folder, name + ".onnx")
        net = make(name, calib[:16], a.seed)
        with torch.no_grad():
            y = net(calib[:4])
        if not torch.isfinite(y).all() or y.std() < 1e-3:
            sys.exit(f"networks.py: the outputs of {name} are not usable (deviation {y.std():.3g})")
        torch.onnx.export(net, calib[:1], path + ".part", opset_version=13, input_names=["input"],
                          output_names=["output"], dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}})
        os.replace(path + ".part", path)
        print(f"{path}: {sum(p.numel() for p in net.parameters())} parameters, outputs {y.mean():.3g} +- {y.std():.3g}")


if __name__ == "__main__":
    main()
