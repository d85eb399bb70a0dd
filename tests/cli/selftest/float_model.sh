printf 'output: {sqnr_db: {min: 0}}\n' > g.yaml
$QNS selftest $FIXTURES/model.onnx $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 2 --rules g.yaml
