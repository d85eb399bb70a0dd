# qnnpack's add takes ratios of scales up to 2^8: the node stays float, and the table says why and by which line.
set -e
cat > q.yaml <<'YAML'
backend: qnnpack
default: qnnpack
rules:
  - name: "/block4/Add"
    activation: {observer: fixed, scale: 0.00001, zero_point: 3}
YAML
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -q q.yaml -o q.onnx --explain > table
grep -A1 '^/block4/Add_output_0' table | grep -q 'the ratio of input to output scale.*line 4'
grep -q '14 of 15 operators in int8' table
$QNS run q.onnx -d $FIXTURES/eval.yaml --limit 5 > /dev/null
