set -e
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -o q.onnx --quiet
$QNS capture $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 60 -o f.h5 --quiet
$QNS capture q.onnx -d $FIXTURES/eval.yaml --limit 60 -o q.h5 --quiet
$QNS compare f.h5 q.h5 -o r1.json --html r.html -j 1 > table
$QNS compare f.h5 q.h5 -o r2.json -j 2 --quiet
cmp r1.json r2.json
awk 'length($0) > 80 { print "more than 80 columns: " $0; exit 1 }' table
$QNS report r1.json | diff - <(grep -v -e '^report: ' -e '^next: ' table)
$QNS compare f.h5 q.h5 --fail-on watch --quiet && verdict=0 || verdict=$?
/usr/bin/python3 - $verdict <<'PY'
import json, sys
r = json.load(open("r1.json"))
bad = [l["name"] for l in r["layers"] if l["verdict"] != "ok"]
assert int(sys.argv[1]) == (1 if bad else 0), (sys.argv, bad)
assert r["coverage"]["matched"] == len([l for l in r["layers"] if "activation" in l]), r["coverage"]
PY
