#!/bin/sh
# SPDX-License-Identifier: MIT
# The figures of 'qns sensitivity' are those of the models that 'qns quantize' makes with the same layers in
# float, as 'qns run' runs them.
#
#     usage: test_sensitivity.sh QNS SOURCE_FOLDER MODEL.onnx CALIB.yaml EVAL.yaml SAMPLES
set -eu
qns=$1 source=$2 model=$3 calib=$4 eval=$5 samples=$6
[ -f "$model" ] || { echo "SKIP: no $model"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"$qns" sensitivity "$model" -d "$eval" --limit "$samples" --calib "$calib" -o "$tmp/s.json" --quiet
/usr/bin/python3 - "$qns" "$model" "$calib" "$eval" "$samples" "$tmp" <<'PY'
import json, math, subprocess, sys
import numpy as np

qns, model, calib, evaluation, samples, tmp = sys.argv[1:]
s = json.load(open(tmp + "/s.json"))
names = [n for u in s["units"] for n in u["names"]]


def outputs(skip, name):
    with open(f"{tmp}/q.yaml", "w") as f:
        json.dump({"rules": [{"skip": skip}] if skip else []}, f)
    subprocess.run([qns, "quantize", model, "-d", calib, "-q", f"{tmp}/q.yaml", "-o", f"{tmp}/q.onnx", "--quiet"], check=True)
    return run(f"{tmp}/q.onnx", name)


def run(file, name):
    subprocess.run([qns, "run", file, "-d", evaluation, "--limit", samples, "-o", f"{tmp}/{name}.npy", "--quiet"], check=True)
    return np.load(f"{tmp}/{name}.npy").astype(np.float64).reshape(int(samples), -1)


ref = run(model, "float")


def check(skip, effect, what):
    y = outputs(skip, "q")
    noise = np.sum((ref - y) ** 2)
    db = math.inf if noise == 0 else 10 * math.log10(np.sum(ref**2) / noise)
    got = float(effect["output_sqnr_db"])
    assert got == db or abs(got - db) < 1e-9, f"{what}: {got} dB, the files give {db}"
    agree = np.mean(ref.argmax(1) == y.argmax(1))
    assert abs(effect["top1_agreement"] - agree) < 1e-12, f"{what}: {effect['top1_agreement']}, the files give {agree}"


check([], s["int8"], "all int8")
units = s["units"]
for u in (units[0], units[len(units) // 2], units[-1]):
    check([n for n in names if n not in u["names"]], u["leave_one_in"], f"only {u['name']} in int8")
    check(u["names"], u["leave_one_out"], f"only {u['name']} in float")
print(f"{len(units)} layers, 7 models checked")
PY
