#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Float outputs of the shared models equal the reference outputs of ONNX Runtime (models/ref).

    usage: test_refs.py REFS SOURCE_FOLDER [MODEL...]

What each model eats is said in models/ORIGIN.md. Prints one line a model; 77: no shared models.
"""
import os
import subprocess
import sys
import tempfile
import wave

import numpy as np

refs, source, *wanted = sys.argv[1:]
shared = os.path.join(source, "..", "shared")
if not os.path.isdir(shared + "/models"):
    print("SKIP: no shared models beside the checkout")
    sys.exit(77)


def data(name):
    return np.load(f"{shared}/data/{name}.npy")[:8]


def ref(name):
    return np.load(f"{shared}/models/ref/{name}.npy")


def nchw(a):
    return np.ascontiguousarray(a.astype(np.float32).transpose(0, 3, 1, 2))


def normed(a):
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    return nchw((a / 255.0 - mean) / std)


def wav(name):
    with wave.open(f"{shared}/data/speech/{name}.wav") as w:
        return np.frombuffer(w.readframes(w.getnframes()), np.int16).astype(np.float32) / 32768


def fashion(_):
    return data("fashion_mnist/eval_images").astype(np.float32) / 255


def imagenet(fn):
    return lambda _: fn(data("imagenet/eval_images"))


def cifar(_):
    return data("cifar10/eval_images")


def kws(_):
    return (data("kws_mfcc/eval_mfcc_int8").astype(np.float32) - 83) * np.float32(0.5847029089927673)


def mnist(_):
    a = np.fromfile(f"{shared}/data/mnist/t10k-images-idx3-ubyte", np.uint8)[16:]
    return a.reshape(-1, 28, 28)[:8].astype(np.float32)


def silero(_):
    x = wav("vad_60s_16k")[: 512 * 200].reshape(-1, 512)
    before = np.concatenate([np.zeros((1, 64), np.float32), x[:-1, -64:]])
    return np.concatenate([before, x], 1)


def squeezenet(_):
    return nchw(data("imagenet/eval_images")[..., ::-1] - np.array([104.0, 117.0, 123.0]))


# model: input, its samples, [(output, reference)], more arguments
MODELS = {
    "squeezenet1.1": ("data_0", squeezenet, "softmaxout_1"),
    "mobilenet_v1_0.75_224": ("input", imagenet(lambda a: nchw(a / 127.5 - 1)), "prob"),
    "resnet20_cifar10": ("input", lambda _: normed(cifar(_)), "logits"),
    "resnet8_cifar10": ("input", lambda _: nchw(cifar(_)), "output"),
    "dscnn_kws12": ("input", kws, "prob"),
    "mnist_cnn": ("Input3", mnist, "Plus214_Output_0"),
    "fashion_cnn": ("input", fashion, "logits"),
    "fashion_lstm": ("input", fashion, "logits"),
    "kwt1_kws12": (
        "input",
        lambda _: data("speech_commands/eval_audio_int16").astype(np.float32) / 32768,
        "output",
    ),
    "magika_v3_3": (
        "bytes",
        lambda _: data("filetype/eval_bytes").astype(np.int32),
        "target_label",
    ),
    "stories260k_t128": (
        "tokens",
        lambda _: data("tinystories/eval_tokens")[:1, :128],
        [("logits", lambda: ref("stories260k_t128.out1"))],
    ),
    "ultraface_rfb_320": (
        "input",
        lambda _: nchw((data("faces/images_240x320").astype(np.float32) - 127) / 128),
        [
            ("scores", lambda: ref("ultraface_rfb_320.scores")),
            ("boxes", lambda: ref("ultraface_rfb_320.boxes")),
        ],
    ),
    "silero_vad_16k": (
        "input",
        silero,
        [("output", lambda: np.load(f"{shared}/data/speech/vad_reference_prob.npy")[:200])],
        ["-f", "stateN=state"],
    ),
    "gtcrn_stream": (
        "mix",
        lambda _: ref("gtcrn_stream.in40"),
        [("enh", lambda: ref("gtcrn_stream.out40"))],
        ["-f", "conv_cache_out=conv_cache", "-f", "tra_cache_out=tra_cache"]
        + ["-f", "inter_cache_out=inter_cache"],
    ),
    "deeplabv3_mnv2_0.5_257": (
        "input",
        lambda _: nchw(ref("deeplabv3_mnv2_0.5_257.in_uint8") / 127.5 - 1),
        "stride8",
    ),
    "ppocr_v4_det": (
        "x",
        lambda _: normed(ref("ppocr_v4_det.in_uint8")[None]),
        [("sigmoid_0.tmp_0", lambda: ref("ppocr_v4_det.out")[None, None])],
        ["-d", "p2o.DynamicDimension.1=160", "-d", "p2o.DynamicDimension.2=320"],
    ),
}


def run(model, tmp):
    name, samples, outs, *more = MODELS[model]
    if isinstance(outs, str):
        outs = [(outs, lambda: ref(model + ".out8"))]
    args = [refs]
    x = samples(model)
    np.save(tmp + "/in.npy", x if x.dtype.kind == "i" else x.astype(np.float32))
    args += ["-i", f"{name}={tmp}/in.npy"]
    for i, (out, want) in enumerate(outs):
        np.save(f"{tmp}/ref{i}.npy", np.ascontiguousarray(want().astype(np.float32)))
        args += ["-r", f"{out}={tmp}/ref{i}.npy"]
    for m in more:
        args += m
    return subprocess.run(args + [f"{shared}/models/{model}.onnx"], capture_output=True, text=True)


def run_strided(model, tmp):
    """Of this model the scores are kept at every 8th row and column only: qns run stores all."""
    qns = os.environ["QNS"]
    np.save(tmp + "/in.npy", MODELS[model][1](model))
    r = subprocess.run(
        [qns, "run", f"{shared}/models/{model}.onnx", "-d", tmp + "/in.npy", "-o", tmp + "/out.npy", "--quiet"],
        capture_output=True,
        text=True,
    )
    if r.returncode == 0:
        out = np.load(tmp + "/out.npy").reshape(4, 21, 257, 257)
        want = ref(model + ".out1_stride8")
        d = np.abs(out[:1, :, ::8, ::8] - want).max() / np.abs(want).max()
        same = (out.argmax(1) == ref(model + ".argmax")).mean()
        r.stdout = f"largest relative difference {d:.2g}, same class in {100 * same:.2f} %\n"
        r.returncode = int(not (d <= 1e-4 and same > 0.9999))
    return r


bad = 0
for model in wanted or MODELS:
    with tempfile.TemporaryDirectory() as tmp:
        r = (run_strided if MODELS[model][2] == "stride8" else run)(model, tmp)
    bad += r.returncode != 0
    print(f"{'ok' if r.returncode == 0 else 'FAILED':7s} {model}: {(r.stdout + r.stderr).strip()}")
print(f"{len(wanted or MODELS) - bad} models agree, {bad} do not")
sys.exit(bad != 0)
