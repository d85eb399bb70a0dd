# Measured, with a word about what the figures hold beside the layer.
printf 'backend: fbgemm\nrules:\n  - {op: linear, preset: dynamic}\n' > q.yaml
$QNS sensitivity $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 4 -q q.yaml -o r.json | grep -q '^worst layer: '
