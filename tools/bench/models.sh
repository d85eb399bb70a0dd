#!/bin/bash
# SPDX-License-Identifier: MIT
# The main job on the shared models: accuracy, wall time, peak memory and file sizes of each step.
#
#     usage: tools/bench/models.sh [OUTPUT_FOLDER [MODEL...]]
set -eu
cd "$(dirname "$0")/../.."
out=${1:-build/models}
shift || true
models=${*:-squeezenet1.1 mobilenet_v1_0.75_224 resnet8_cifar10 resnet20_cifar10 dscnn_kws12 mnist_cnn}
shared=../shared qns=build/release/qns
mkdir -p "$out"

# Seconds and peak memory of a command, into the variables t and m.
timed() {
    local before after
    before=$(date +%s.%N)
    "$qns" "$@" --json >"$out/step.json"
    after=$(date +%s.%N)
    t=$(echo "$after - $before" | bc)
}
field() { /usr/bin/python3 -c "import json,sys; print(json.load(open('$out/step.json')).get('$1', 0))"; }

printf '%-22s %8s %8s | %-16s | %-24s | %-24s | %s\n' model float int8 "quantize s, MiB" "capture float s, MiB, GB" "capture int8 s, MiB, GB" "compare s, MiB"
for m in $models; do
    if [ "$m" = mnist_cnn ]; then
        /usr/bin/python3 - "$shared/data/mnist" "$out" <<'PY'
import sys
import numpy as np
d, out = sys.argv[1:]
np.save(out + "/mnist_x.npy", np.fromfile(d + "/t10k-images-idx3-ubyte", np.uint8)[16:].reshape(-1, 28, 28))
np.save(out + "/mnist_y.npy", np.fromfile(d + "/t10k-labels-idx1-ubyte", np.uint8)[8:].astype(np.int64))
PY
        calib="-d $shared/data/mnist/calib_images.npy" eval="-d $out/mnist_x.npy --labels $out/mnist_y.npy"
    else
        calib="-d tests/e2e/models/$m.calib.yaml" eval="-d tests/e2e/models/$m.eval.yaml"
    fi
    mib() { /usr/bin/python3 -c "print(round($1 / 2**20))"; }
    f=$shared/models/$m.onnx q=$out/$m.quant.onnx
    timed run "$f" $eval; a=$(field top1)
    timed quantize "$f" $calib -o "$q"; tq=$t mq=$(mib "$(field peak_memory)")
    timed run "$q" $eval; b=$(field top1)
    timed capture "$f" $eval -o "$out/float.h5"; tf=$t mf=$(mib "$(field peak_memory)")
    timed capture "$q" $eval -o "$out/quant.h5"; ti=$t mi=$(mib "$(field peak_memory)")
    sf=$(stat -c %s "$out/float.h5") si=$(stat -c %s "$out/quant.h5")
    before=$(date +%s.%N)
    /usr/bin/env time -f %M -o "$out/mem" "$qns" compare "$out/float.h5" "$out/quant.h5" -o "$out/$m.json" --html "$out/$m.html" --quiet
    tc=$(echo "$(date +%s.%N) - $before" | bc) mc=$(($(tail -n 1 "$out/mem") / 1024))
    printf '%-22s %7.2f%% %7.2f%% | %7.2f %7s | %7.2f %7s %7.2f | %7.2f %7s %7.2f | %7.2f %6s\n' "$m" \
        "$(echo "$a * 100" | bc -l)" "$(echo "$b * 100" | bc -l)" "$tq" "$mq" "$tf" "$mf" \
        "$(echo "$sf / 10^9" | bc -l)" "$ti" "$mi" "$(echo "$si / 10^9" | bc -l)" "$tc" "$mc"
    /usr/bin/python3 - "$out/$m.json" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
layers = {l["name"]: l for l in r["layers"]}
for n in r["ranking"][:3]:
    a = layers[n].get("activation", {})
    print(f"    {a.get('sqnr_db', '?'):>8.2f} dB  {a.get('rmse_steps', float('nan')):>6.2f} steps  {n}")
PY
    rm -f "$out/float.h5" "$out/quant.h5"
done
