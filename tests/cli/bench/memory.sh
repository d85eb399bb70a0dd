# In a process of its own: what a command needs grows with what it holds.
set -e
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -o q.onnx --quiet
$QNS bench memory --json inspect q.onnx > inspect.json
$QNS bench memory --json shadow $FIXTURES/model.onnx q.onnx -d $FIXTURES/eval.yaml --quiet > shadow.json
$QNS bench memory inspect q.onnx > text
grep -q '^peak memory of qns inspect: [0-9.]* MiB$' text
/usr/bin/python3 - <<'PY'
import json
peak = {}
for name in ("inspect", "shadow"):
    (r,) = json.load(open(name + ".json"))["results"]
    assert r["command"] == name
    peak[name] = r["peak_memory"]
assert 2**20 < peak["inspect"] < peak["shadow"] < 2**30, peak
PY
$QNS bench memory inspect no_such.onnx > text 2> error && exit 1
grep -q no_such.onnx error
[ ! -s text ]
