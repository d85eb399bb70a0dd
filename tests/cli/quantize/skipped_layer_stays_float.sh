set -e
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml --limit 20 --skip /stem/stem.0/Conv -o q.onnx --quiet
$QNS inspect q.onnx --json > i.json
/usr/bin/python3 - <<'PY'
import json
layers = json.load(open("i.json"))[0]["layers"]
convs = [l for l in layers if l["op"] == "conv"]
assert [l["dtype"] for l in convs].count("float32") == 1, convs
assert convs[0]["dtype"] == "float32", convs[0]
PY
