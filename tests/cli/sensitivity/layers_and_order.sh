set -e
$QNS sensitivity $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 8 --layers '*Conv' --sort execution -o r.json > table
grep -q 'layers, in order of execution' table
grep -q 'calibrated on the samples that were measured' table
/usr/bin/python3 - <<'PY'
import json
r = json.load(open("r.json"))
assert all(u["name"].endswith("Conv") for u in r["units"])
assert 0 < len(r["units"]) < r["layers_in_int8"]
assert r["ranking"] == [u["name"] for u in r["units"]]
PY
