# SPDX-License-Identifier: MIT
"""Every QConfig of PyTorch by its name: QNS either has the same settings or refuses it with a reason.

    usage: torch_presets.py QNS FIXTURES

The settings of QNS are read from the metadata of a quantized model, where they stand resolved."""
import os
import re
import subprocess
import sys
import tempfile

try:
    import onnx
    import torch
    import torch.ao.quantization.qconfig as qconfigs
except ImportError as e:
    print("SKIP:", e)
    sys.exit(77)

NAMES = {"HistogramObserver": "histogram", "MinMaxObserver": "minmax", "PerChannelMinMaxObserver": "minmax",
         "MovingAverageMinMaxObserver": "moving_average", "MovingAveragePerChannelMinMaxObserver": "moving_average",
         "PlaceholderObserver": "placeholder", "NoopObserver": "noop", "RecordingObserver": "recording",
         "ReuseInputObserver": "reuse_input", "Identity": "placeholder"}
EMBEDDING = {"float_qparams_weight_only_qconfig", "float_qparams_weight_only_qconfig_4bit",
             "default_embedding_qat_qconfig", "default_embedding_qat_qconfig_4bit"}
# Training sees the moving average of one batch; what is deployed is the same as with default_dynamic_qconfig.
SAME_AS = {"default_dynamic_qat_qconfig": "default_dynamic_qconfig"}


def pytorch(make, weight):
    o = make()
    o = getattr(o, "activation_post_process", o)
    name = NAMES[type(o).__name__]
    out = {"observer": name}
    if name in ("histogram", "minmax", "moving_average"):
        lo, hi = o.quant_min, o.quant_max
        out["reduce_range"] = hi - lo < 128
        out["symmetric"] = "symmetric" in str(o.qscheme)
        out["eps"] = float(f"{float(o.eps):.9g}")
        if weight:
            out["per_channel"] = "per_channel" in str(o.qscheme)
            out["narrow_range"] = lo == -hi
    if name in ("placeholder", "noop"):
        dtype = getattr(o, "dtype", torch.float32)
        out["dtype"] = {torch.float16: "float16", torch.float32: "float32", torch.quint8: "uint8"}[dtype]
    return out


def ours(text, key):
    line = re.search(rf"^{key}: \{{(.*)\}}$", text, re.M).group(1)
    out = {}
    for part in line.split(", "):
        k, v = part.split(": ")
        out[k] = {"true": True, "false": False}.get(v, v)
    out["eps"] = float(out["eps"])
    return out


def settings(qns, fixtures, folder, name):
    """The resolved qconfig, or the message of a refusal."""
    path = os.path.join(folder, "q.onnx")
    command = [qns, "quantize", os.path.join(fixtures, "model.onnx"), "-d", os.path.join(fixtures, "calib.yaml"),
               "--limit", "1", "--preset", name, "-o", path, "--quiet", "--record", os.path.join(folder, "r.h5")]
    if name != "default_debug_qconfig":
        command = command[:-2]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return None, done.stderr
    return {p.key: p.value for p in onnx.load(path).metadata_props}["qns.qconfig"], ""


def main():
    qns, fixtures = sys.argv[1:]
    wanted = {n: getattr(qconfigs, n) for n in dir(qconfigs) if isinstance(getattr(qconfigs, n), qconfigs.QConfig)}
    for backend in ("fbgemm", "x86", "qnnpack", "onednn"):
        wanted[backend] = qconfigs.get_default_qconfig(backend)
        for version in (0, 1):
            wanted[f"{backend}_qat_v{version}"] = qconfigs.get_default_qat_qconfig(backend, version)
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, q in sorted(wanted.items()):
            text, why = settings(qns, fixtures, folder, name)
            if name in EMBEDDING or name == "default_reuse_input_qconfig":
                # Alone it has nothing to reuse.
                right = text is None and ("embeddings" in why or "nobody finds any" in why)
                print("refused" if right else "WRONG", name)
                bad += not right
                continue
            if text is None:
                bad += 1
                print("WRONG", name, why)
                continue
            q = wanted[SAME_AS.get(name, name)]
            for key, make in (("activation", q.activation), ("weight", q.weight)):
                want, got = pytorch(make, key == "weight"), ours(text, key)
                # A moving average looks once at a weight: its minmax.
                apart = {k: (v, got.get(k)) for k, v in want.items() if got.get(k) != v}
                if apart:
                    bad += 1
                    print("WRONG", name, key, apart)
    print(f"{len(wanted)} qconfigs, {bad} wrong")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
