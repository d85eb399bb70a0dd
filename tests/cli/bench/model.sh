set -e
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -o q.onnx --quiet
$QNS bench model $FIXTURES/model.onnx q.onnx -j 1,2 --runs 3 > table
awk 'length($0) > 80 { print "more than 80 columns: " $0; exit 1 }' table
grep -q '^q.onnx is .* x as fast as model.onnx, 2 threads' table
$QNS bench model $FIXTURES/model.onnx q.onnx -j 1,2 --runs 3 --isa avx2 --json > r.json
/usr/bin/python3 - <<'PY'
import json
r = json.load(open("r.json"))
assert r["benchmark"] == "model" and "vnni" not in r["machine"]["isa"]
assert [(x["quantized"], x["threads"]) for x in r["results"]] == [(False, 1), (False, 2), (True, 1), (True, 2)]
for x in r["results"]:
    assert x["ms"]["runs"] == 3 and x["ms"]["min"] <= x["ms"]["lo"] <= x["ms"]["median"] <= x["ms"]["hi"]
    assert x["ops"] == sum(l["ops"] for l in x["layers"]) > 1e6
    assert x["peak"]["threads"] == x["threads"]
    assert any(l["integer"] for l in x["layers"]) == x["quantized"]
PY
