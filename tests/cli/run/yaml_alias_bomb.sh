printf 'a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n' > bomb.yaml
$QNS run $FIXTURES/model.onnx -d bomb.yaml
