# What observers saw: the input's range is that of the data, and scale and zero point are what quantize writes.
set -e
"$QNS" inspect "$FIXTURES/model.onnx" --observers -d "$FIXTURES/calib.yaml" --limit 20 --json > o.json
"$QNS" quantize "$FIXTURES/model.onnx" -d "$FIXTURES/calib.yaml" --limit 20 -o q.onnx --json > q.json
"$QNS" inspect "$FIXTURES/model.onnx" --observers -d "$FIXTURES/calib.yaml" --limit 20 | grep -q histogram
/usr/bin/python3 - <<'PY'
import json
seen = {r["value"]: r for r in json.load(open("o.json"))[0]["observers"]}
made = {r["value"]: r for r in json.load(open("q.json"))["decisions"] if r.get("observer") and r["choice"] != "weight"}
assert seen and set(seen) == set(made), set(seen) ^ set(made)
for name, r in seen.items():
    assert (r["scale"], r["zero_point"]) == (made[name]["scale"], made[name]["zero_point"]), name
    assert r["seen"][0] <= r["range"][0] < r["range"][1] <= r["seen"][1] * 1.001, r
PY
printf 'default: debug\n' > debug.yaml
$QNS inspect $FIXTURES/model.onnx --observers -d $FIXTURES/calib.yaml -q debug.yaml --limit 3 | grep -q '/block4/Add_output_0 .*recording .*3 tensors'
