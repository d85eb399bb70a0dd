#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""PyTorch as a peer of "qns bench serve": the same protocol on a pipe.

    usage: torch_peer.py NETWORK eager|jit|int8 THREADS [SIZE]

NETWORK is one of tools/bench/networks.py, with the same weights. int8 is static quantization with the engines that this
PyTorch has: Debian's is built without fbgemm, so it is onednn where there is one, else qnnpack.

Prints "ready NAME VERSION"; then, for every line with a number N, runs the model N times on random input and prints one
line with the milliseconds of each run."""
import os
import sys
import time
import warnings

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
warnings.filterwarnings("ignore")
import torch  # noqa: E402
import torchvision  # noqa: E402
from networks import images, make  # noqa: E402


def int8(name, calib, engine):
    torch.backends.quantized.engine = engine
    torch.manual_seed(1)
    net = getattr(torchvision.models.quantization, name)(weights=None, quantize=False).eval()
    net.load_state_dict(make(name, calib[:16], 1).state_dict(), strict=False)
    net.fuse_model(is_qat=False)
    # onednn wants codes of 7 bits where there is no VNNI; its own default configuration knows.
    net.qconfig = torch.quantization.get_default_qconfig(engine)
    torch.quantization.prepare(net, inplace=True)
    with torch.no_grad():
        net(calib[:8])
    return torch.quantization.convert(net, inplace=True)


def main():
    name, kind, threads = sys.argv[1:4]
    size = int(sys.argv[4]) if len(sys.argv) > 4 else 224
    torch.set_num_threads(int(threads))
    calib = images(16, size, 1)
    x = calib[:1].contiguous(memory_format=torch.channels_last)
    about = kind
    if kind == "int8":
        engines = torch.backends.quantized.supported_engines
        engine = next(e for e in ("fbgemm", "onednn", "qnnpack") if e in engines)
        net, about = int8(name, calib, engine), engine
    else:
        net = make(name, calib, 1).to(memory_format=torch.channels_last)
        if kind == "jit":
            with torch.no_grad():
                net = torch.jit.freeze(torch.jit.trace(net, x))
                net = torch.jit.optimize_for_inference(net)
    print(f"ready pytorch {torch.__version__} {about}", flush=True)
    with torch.no_grad():
        for line in sys.stdin:
            ms = []
            for _ in range(int(line)):
                start = time.perf_counter()
                net(x)
                ms.append(f"{1e3 * (time.perf_counter() - start):.4f}")
            print(" ".join(ms), flush=True)


if __name__ == "__main__":
    main()
