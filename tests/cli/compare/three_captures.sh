set -e
cat > coarse.yaml <<'Y'
backend: fbgemm
default: fbgemm
rules:
  - name: "*"
    weight: {observer: minmax, per_channel: false, symmetric: true}
Y
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -o q.onnx --quiet
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -q coarse.yaml -o c.onnx --quiet
$QNS capture $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 60 -o f.h5 --quiet
$QNS capture q.onnx -d $FIXTURES/eval.yaml --limit 60 -o q.h5 --quiet
$QNS capture c.onnx -d $FIXTURES/eval.yaml --limit 60 -o c.h5 --quiet
code() { "$@" > table && echo 0 || echo $?; }
[ "$(code $QNS compare f.h5 q.h5 c.h5 -o r1.json --html r.html -j 1)" = 1 ]
/usr/bin/python3 -c 'assert max(len(l.rstrip("\n")) for l in open("table")) <= 80'
grep -q '^next: qns compare f.h5 c.h5 --layers' table
[ "$($QNS report r1.json)" = "$(grep -v -e '^report: ' -e '^next: ' table)" ]
[ "$(code $QNS compare f.h5 q.h5 c.h5 -o r2.json -j 2)" = 1 ]
cmp r1.json r2.json
[ "$(code $QNS compare f.h5 c.h5 q.h5 --quiet)" = 0 ]
[ "$(code $QNS compare f.h5 q.h5 c.h5 --fail-on never --quiet)" = 0 ]
# No layer lost 30 dB, but answers were lost.
[ "$(code $QNS compare f.h5 q.h5 c.h5 --min-change 30)" = 1 ]
grep -q '^0 regressed' table
grep -q 'top-1 agreement with float fell' table
[ "$(code $QNS compare f.h5 q.h5 q.h5)" = 0 ]
grep -q 'every layer has the same error' table
grep -q 'id="qns-result"' r.html
/usr/bin/python3 - <<'PY'
import json
r = json.load(open("r1.json"))
assert r["kind"] == "regression" and r["samples"] == 60
worse = [l for l in r["layers"] if l["change"] == "regressed"]
assert worse and len(worse) == r["counts"]["regressed"]
for l in worse:
    assert l["q"] <= 0.05 and l["change_db"] <= -0.1 and l["high_db"] < 0, l
assert r["ranking"][0] in [l["name"] for l in worse]
begin = [f for f in r["findings"] if f["code"] == "BEGINS_HERE"][0]
assert "one scale for all channels" in begin["advice"], begin
PY
