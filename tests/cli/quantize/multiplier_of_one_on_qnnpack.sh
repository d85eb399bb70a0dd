# PyTorch computes it, so it runs; but nobody is left in the dark.
set -e
cat > q.yaml <<'YAML'
backend: qnnpack
default: qnnpack
rules:
  - name: "/head/Gemm"
    activation: {observer: fixed, scale: 0.000001, zero_point: 3}
YAML
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -q q.yaml -o q.onnx --explain > table
grep -q 'multiplier is 1 or more' table
$QNS run q.onnx -d $FIXTURES/eval.yaml --limit 5 > /dev/null
