# Integers between a quantize and a dequantize border only; the table names the lines; and the model keeps the rules.
set -e
cat > q.yaml <<'YAML'
default: fbgemm
quantize_at: ["/stem/stem.0/Conv"]
dequantize_at: ["/block4/Add_output_0"]
YAML
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -q q.yaml -o q.onnx --explain > table
grep -q '11 of 15 operators in int8' table
grep -q 'quantize border of line 2' table
grep -q 'dequantize border of line 3' table
$QNS run q.onnx -d $FIXTURES/eval.yaml --limit 50 > /dev/null
printf 'wrap: [block4, stem]\n' > q.yaml
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -q q.yaml -o w.onnx | grep -q '4 of 15 operators in int8'
