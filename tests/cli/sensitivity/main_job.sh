set -e
scan() { $QNS sensitivity $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 40 --calib $FIXTURES/calib.yaml "$@"; }
scan -o r1.json --html r.html -j 1 > table
scan -o r2.json -j 2 --quiet
scan --json -j 1 > r3.json
cmp r1.json r2.json
cmp r1.json r3.json
awk 'length($0) > 80 { print "more than 80 columns: " $0; exit 1 }' table
grep -q '^worst layer: ' table
grep -q '^next: ' table
# A stored result says the same.
$QNS report r1.json > again
head -n $(wc -l < again) table | diff again -
$QNS report r1.json --json | cmp r1.json -
/usr/bin/python3 - <<'PY'
import json
r = json.load(open("r1.json"))
assert r["kind"] == "sensitivity" and r["samples"] == 40 and r["labels"]
u = r["units"]
assert len(u) == r["layers_in_int8"] > 10
assert [x["index"] for x in u] == sorted(x["index"] for x in u)
by_in = sorted(u, key=lambda x: x["leave_one_in"]["output_sqnr_db"])
assert [x["name"] for x in by_in] == r["ranking"]
for x in u:
    i, o = x["leave_one_in"], x["leave_one_out"]
    assert i["output_sqnr_db"] > r["int8"]["output_sqnr_db"], x["name"]
    assert i["top1_interval"][0] <= i["top1"] <= i["top1_interval"][1]
    assert abs(o["gain_db"] - (o["output_sqnr_db"] - r["int8"]["output_sqnr_db"])) < 1e-9
c = r["cost"]
assert 0 < c["leave_one_in_runs_per_layer"] <= 0.6 and 0 < c["leave_one_out_runs_per_layer"] <= 0.6
PY
grep -q 'only this layer in int8' r.html
$QNS inspect r1.json | grep -q 'sensitivity of .*model.onnx, '
$QNS skiplist r1.json --model $FIXTURES/model.onnx --worst 2 --to qns > qconfig.yaml
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -q qconfig.yaml -o mixed.onnx --quiet
