printf 'inputs: {input: {file: x.npy\n' > bad.yaml
$QNS run $FIXTURES/model.onnx -d bad.yaml
