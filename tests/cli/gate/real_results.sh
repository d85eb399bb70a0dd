set -e
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -o q.onnx --quiet
$QNS capture $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 20 -o f.h5 --quiet
$QNS capture q.onnx -d $FIXTURES/eval.yaml --limit 20 -o q.h5 --quiet
$QNS compare f.h5 q.h5 -o r.json --quiet
cat > gate.yaml <<'Y'
layers:
  - name: "*"
    activation: {sqnr_db: {min: 10, change: 0.5}, rmse_steps: {max: 20}}
    weight: {sqnr_db: {min: 20, change: 0.1}}
output:
  top1_agreement: {min: 0.5}
  top1_drop: {max: 0.5}
coverage: {ops: {min: 1}, macs: {min: 1}}
findings: {fail_on: error}
Y
$QNS gate r.json --rules gate.yaml --baseline r.json --verbose > text
awk 'length($0) > 80 { print "more than 80 columns: " $0; exit 1 }' text
grep -q '^gate: passed: ' text
# Weights per tensor are worse, and the gate says so; the other way round it passes.
printf 'default: fbgemm\nweight: {per_channel: false, observer: minmax}\n' > worse.yaml
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -q worse.yaml -o w.onnx --quiet
$QNS capture w.onnx -d $FIXTURES/eval.yaml --limit 20 -o w.h5 --quiet
$QNS compare f.h5 w.h5 -o w.json --quiet
$QNS gate w.json --rules gate.yaml --baseline r.json > text && code=0 || code=$?
test $code = 1
grep -q '^failed   .*: SQNR of the weight was' text
grep -q 'worse, allowed is 0.1 dB (gate.yaml:4)' text
# Another number of samples is no baseline.
$QNS capture $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 10 -o f10.h5 --quiet
$QNS capture q.onnx -d $FIXTURES/eval.yaml --limit 10 -o q10.h5 --quiet
$QNS compare f10.h5 q10.h5 -o r10.json --quiet
$QNS gate r.json --rules gate.yaml --baseline r10.json > text && code=0 || code=$?
test $code = 2
# Three captures: the gate sees what changed, and says where it begins.
$QNS compare f.h5 q.h5 w.h5 -o three.json --quiet --fail-on never
printf 'regression: {max_regressed: 0}\n' > three.yaml
$QNS gate three.json --rules three.yaml --junit j.xml > text && code=0 || code=$?
test $code = 1
grep -q 'layers regressed, allowed are 0 (three.yaml:1)' text
grep -q 'regression.regressed' j.xml
$QNS gate three.json --rules gate.yaml > text && code=0 || code=$?
test $code = 1
grep -q '^baseline q.h5' text
$QNS gate three.json --rules three.yaml --baseline r.json 2> text && code=0 || code=$?
test $code = 64
grep -q 'has its old side already' text
