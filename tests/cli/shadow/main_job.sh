set -e
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -o q.onnx --quiet
$QNS shadow $FIXTURES/model.onnx q.onnx -d $FIXTURES/eval.yaml --limit 60 -o r1.json --html r.html -j 1 > table
$QNS shadow $FIXTURES/model.onnx q.onnx -d $FIXTURES/eval.yaml --limit 60 -o r2.json -j 2 --quiet
cmp r1.json r2.json
awk 'length($0) > 80 { print "more than 80 columns: " $0; exit 1 }' table
grep -q local table
$QNS report r1.json | diff - <(grep -v -e '^report: ' -e '^next: ' table)
$QNS capture $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 60 -o f.h5 --quiet
$QNS capture q.onnx -d $FIXTURES/eval.yaml --limit 60 -o q.h5 --quiet
$QNS compare f.h5 q.h5 -o c.json --quiet
/usr/bin/python3 - <<'PY'
import json


def near(x, y):
    """Sums are made in another order: the last digits may differ."""
    if isinstance(x, dict):
        return x.keys() == y.keys() and all(near(x[k], y[k]) for k in x)
    return x == y or isinstance(x, float) and abs(x - y) <= 1e-10 * max(1, abs(x))


s, c = json.load(open("r1.json")), json.load(open("c.json"))
assert s["kind"] == "shadow" and len(s["layers"]) == len(c["layers"]) > 10
for x, y in zip(s["layers"], c["layers"]):
    assert x["name"] == y["name"] and near(x["activation"], y["activation"]), x["name"]
    assert x.get("weight") == y.get("weight"), x["name"]
    assert "local" in x and "local" not in y, x["name"]
assert s["ranking"] == c["ranking"] and near(s["output"], c["output"])
assert {"add", "maxpool", "global_avgpool"} <= {l["op"] for l in s["layers"]}
PY
grep -q 'output, local' r.html
