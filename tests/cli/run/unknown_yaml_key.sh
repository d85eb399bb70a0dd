printf 'inputs:\n  input: {file: x.npy}\nlables: y.npy\n' > typo.yaml
$QNS run $FIXTURES/model.onnx -d typo.yaml
