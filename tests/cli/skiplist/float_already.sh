set -e
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -o q.onnx --skip /head/Gemm >/dev/null
$QNS capture $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 4 -o f.h5 >/dev/null
$QNS capture q.onnx -d $FIXTURES/eval.yaml --limit 4 -o q.h5 >/dev/null
$QNS compare f.h5 q.h5 --json -o r.json >/dev/null
# Passed over by rank, taken by name.
$QNS skiplist r.json --to onnxruntime-json --model $FIXTURES/model.onnx --worst 15 | grep -c head || true
$QNS skiplist r.json --to onnxruntime-json --model $FIXTURES/model.onnx --layers /head/Gemm --quiet
