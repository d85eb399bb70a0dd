set -e
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml --skip /block1/depthwise/depthwise.0/Conv -o q.onnx --quiet
$QNS shadow $FIXTURES/model.onnx q.onnx -d $FIXTURES/eval.yaml --limit 10 --json > r.json
/usr/bin/python3 - <<'PY'
import json
for l in json.load(open("r.json"))["layers"]:
    exact = "EXACT" in l["local"]["flags"]
    assert exact == (l["kept"] == "float"), (l["name"], l["kept"], l["local"])
    assert l["kept"] == "int8" or "EXACT" not in l["activation"]["flags"], l["name"]
PY
