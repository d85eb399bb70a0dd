$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -o q.onnx --quiet
printf 'output: {sqnr_db: {min: 0}}\n' > g.yaml
$QNS selftest $FIXTURES/model.onnx q.onnx -d $FIXTURES/eval.yaml --limit 2 --rules g.yaml --layers /head/Gem
