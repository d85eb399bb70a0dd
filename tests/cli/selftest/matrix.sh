set -e
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -o q.onnx --quiet
printf 'layers:\n  - {name: "*", local: {sqnr_db: {change: 0}}}\n' > sharp.yaml
printf 'output: {sqnr_db: {min: 0}}\n' > blunt.yaml
code() { "$@" > out && echo 0 || echo $?; }
# A sharp gate catches every fault, whoever runs it with how many threads.
[ "$(code $QNS selftest $FIXTURES/model.onnx q.onnx -d $FIXTURES/eval.yaml --limit 8 --rules sharp.yaml -o a.json -j 1 --html a.html)" = 0 ]
/usr/bin/python3 -c 'assert max(len(l.rstrip("\n")) for l in open("out")) <= 80'
[ "$($QNS report a.json)" = "$(grep -v '^report: ' out)" ]
grep -q 'id="qns-result"' a.html
[ "$(code $QNS selftest $FIXTURES/model.onnx q.onnx -d $FIXTURES/eval.yaml --limit 8 --rules sharp.yaml -o b.json -j 2 --quiet)" = 0 ]
cmp a.json b.json
# A blunt one misses, and is told which rule would not.
[ "$(code $QNS selftest $FIXTURES/model.onnx q.onnx -d $FIXTURES/eval.yaml --limit 8 --rules blunt.yaml --faults zero-point,stale-weight --layers '/head/*' -o c.json)" = 1 ]
grep -q "local: {sqnr_db: {change: [0-9.]*}}}\] would" out
/usr/bin/python3 - <<'PY'
import json
a = json.load(open("a.json"))
assert a["kind"] == "selftest" and len(a["layers"]) == 4 and a["clean"]["failed"] == 0
assert a["caught"] == a["first"] == a["possible"] >= 35, a
fault = {f["name"]: f for f in a["faults"]}
for name in ("zero-point", "scale", "sign-flip", "swapped-channels", "permuted-inputs", "transposed",
             "one-scale", "stale-weight"):
    f = fault[name]
    assert f["named"] == f["possible"] > 0, (name, f["named"], f["possible"])
for name in ("rounding", "dropped-bias", "clipped"):
    assert fault[name]["named"] > 0, name
c = json.load(open("c.json"))
assert [f["name"] for f in c["faults"]] == ["zero-point", "stale-weight"]
assert c["layers"] == ["/head/Gemm"] and c["caught"] < c["possible"]
PY
# Three runs are the clean one and two tries.
$QNS selftest $FIXTURES/model.onnx q.onnx -d $FIXTURES/eval.yaml --limit 2 --rules sharp.yaml --runs 3 -o d.json --quiet || true
grep -q '"runs": 3' d.json
