#!/bin/sh
# SPDX-License-Identifier: MIT
# qns search on a real model: the model that its qconfig.yaml makes has, on the samples of the check, just the accuracy
# that the check says, and meets the target on the samples of the search; a target of the user's command ends at the
# same numbers.
#
#     usage: test_search.sh QNS SOURCE_FOLDER
set -eu
qns=$1 source=$2
shared=$source/../shared
[ -d "$shared/models" ] || { echo "SKIP: no shared models beside the checkout"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
model=$shared/models/resnet8_cifar10.onnx
calib=$source/tests/e2e/models/resnet8_cifar10.calib.yaml
/usr/bin/python3 - "$shared/data/cifar10" "$tmp" <<'PY'
import sys
import numpy as np
data, out = sys.argv[1:]
x, y = np.load(data + "/eval_images.npy")[::5], np.load(data + "/eval_labels.npy")[::5]
for name, part in ("search", slice(0, 120)), ("check", slice(120, 200)):
    np.save(f"{out}/{name}_x.npy", x[part])
    np.save(f"{out}/{name}_y.npy", y[part])
    with open(f"{out}/{name}.yaml", "w") as f:
        f.write(f"inputs: {{data: {{file: {name}_x.npy, layout: NHWC}}}}\nlabels: {name}_y.npy\n")
PY
cd "$tmp"
printf 'backend: fbgemm\ndefault: fbgemm\nweight: {observer: minmax, per_channel: false, symmetric: true}\n' >base.yaml
"$qns" search "$model" -q base.yaml -d search.yaml --calib "$calib" --verify check.yaml --target 'output-sqnr>=25' -o q.yaml --json >s.json || [ $? = 1 ]
"$qns" quantize "$model" -d "$calib" -q q.yaml -o mixed.onnx --quiet
"$qns" run mixed.onnx -d check.yaml --json >check.json
"$qns" shadow "$model" mixed.onnx -d search.yaml --json >shadow.json
/usr/bin/python3 - <<'PY'
import json
s, run, shadow = (json.load(open(f)) for f in ("s.json", "check.json", "shadow.json"))
best = s["trials"][s["best"]]
assert s["met"] and s["end"] == "done" and s["search"]["samples"] == 120 and s["check"]["samples"] == 80
assert 0 < len(s["skip"]) < len(s["layers"]), s["skip"]
assert s["check"]["mixed"]["top1"] == run["top1"], (s["check"], run["top1"])
assert abs(best["sqnr_db"] - shadow["output"]["sqnr_db"]) < 1e-9, (best, shadow["output"]["sqnr_db"])
kept = {o for l in shadow["layers"] if l["kept"] == "float" for o in l["origin"] + [l["name"]]}
assert set(s["skip"]) <= kept, (s["skip"], kept)
PY
# The same target by a command: the same layers.
cat >judge.py <<'PY'
import json, subprocess, sys
qns, model, mixed = sys.argv[1:]
r = json.loads(subprocess.run([qns, "shadow", model, mixed, "-d", "search.yaml", "--json"], check=True, capture_output=True).stdout)
print(r["output"]["sqnr_db"] if r["output"]["sqnr_db"] != "inf" else 1000)
PY
"$qns" search "$model" -q base.yaml -d search.yaml --calib "$calib" --verify check.yaml --target 'eval>=25' \
    --eval-cmd "/usr/bin/python3 judge.py '$qns' '$model' {model}" -o by_command.yaml --quiet
grep -v '^#' q.yaml >a
grep -v '^#' by_command.yaml | diff a -
