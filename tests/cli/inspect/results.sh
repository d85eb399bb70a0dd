# One line for each kind of result, and one for what came out.
set -e
f=$FIXTURES/model.onnx d="-d $FIXTURES/eval.yaml --limit 8"
$QNS quantize $f -d $FIXTURES/calib.yaml --limit 8 -o q.onnx --quiet
$QNS quantize $f -d $FIXTURES/calib.yaml --limit 8 --skip /head/Gemm -o s.onnx --quiet
for m in $f q.onnx s.onnx; do $QNS capture $m $d -o $(basename $m .onnx).h5 --quiet; done
printf 'output: {sqnr_db: {min: 0}}\n' > g.yaml
$QNS compare model.h5 q.h5 -o comparison.json --quiet
$QNS compare model.h5 q.h5 s.h5 -o regression.json --quiet --fail-on never
$QNS shadow $f q.onnx $d -o shadow.json --quiet
$QNS sensitivity $f $d --layers /head/Gemm -o sensitivity.json --quiet
$QNS search $f $d --target 'output-sqnr>=1' -o m.yaml --json > search.json
$QNS selftest $f q.onnx $d --rules g.yaml --runs 2 -o selftest.json --quiet || true
for kind in comparison regression shadow sensitivity search selftest; do
    $QNS inspect $kind.json > $kind.txt
    grep -q "^$kind.json: $kind of .* layers, [0-9]* samples, made by qns " $kind.txt
done
grep -q 'regression of s.h5 against q.h5 with model.h5' regression.txt
grep -q '^outcome   [0-9]* regressed, [0-9]* improved, 0 unmatched$' regression.txt
grep -q '^outcome   [01] of [01] faults caught$' selftest.txt
grep -q '^outcome   target met with 0 layers in float$' search.txt
$QNS inspect --json *.json > all
/usr/bin/python3 - <<'PY'
import json
r = {x["kind"]: x for x in json.load(open("all"))}
assert len(r) == 6 and all(x["test"] and x["reference"] for x in r.values())
assert r["regression"]["before"] == "q.h5" and "before" not in r["shadow"]
PY
# Only results that rank layers choose some.
for kind in comparison shadow sensitivity search; do
    $QNS skiplist $kind.json --worst 1 --to qns > /dev/null
done
for kind in regression selftest; do
    $QNS skiplist $kind.json --worst 1 --to qns 2> message && exit 1
    grep -q "a $kind does not rank layers.*'qns sensitivity' or 'qns search'" message
done
