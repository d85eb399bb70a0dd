# int8 weights without calibration: smaller, close in accuracy, and the decision table says what stays float.
set -e
$QNS quantize $FIXTURES/model.onnx --dynamic -o dyn.onnx --explain > table
grep -q 'dynamic by rule' table
grep -q '^logits  *dynamic' table
grep -q '^head.weight  *weight  *0\.' table
grep -q 'the operator has no dynamic form' table
$QNS quantize $FIXTURES/model.onnx --preset default_dynamic_qconfig -o same.onnx --quiet
$QNS quantize $FIXTURES/model.onnx --float16 -o half.onnx
for m in dyn half; do
    test $(stat -c %s $m.onnx) -lt $(stat -c %s $FIXTURES/model.onnx)
    $QNS run $m.onnx -d $FIXTURES/eval.yaml --json > $m.json
done
$QNS run $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --json > float.json
/usr/bin/python3 - <<'PY'
import json
a, *b = [json.load(open(n + ".json"))["top1"] for n in ("float", "dyn", "half")]
assert all(abs(a - x) < 0.01 for x in b), (a, b)
PY
$QNS inspect dyn.onnx | grep -q linear_dynamic
