$QNS sensitivity $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 3 --layers /head/Gemm -o r.json --quiet
sed -i 's/"name": "\/head\/Gemm"/"name": 7/' r.json
$QNS report r.json
