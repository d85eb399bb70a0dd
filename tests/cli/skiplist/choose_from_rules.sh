echo 'rules: []' > q.yaml
$QNS skiplist q.yaml --to qns --worst 2 --model $FIXTURES/model.onnx
