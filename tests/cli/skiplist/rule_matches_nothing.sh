echo 'rules: [{skip: [/stem/Convv]}]' > q.yaml
$QNS skiplist q.yaml --to qns --model $FIXTURES/model.onnx
