$QNS search $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 120 --target 'top1-agreement>=0.5' -o q.yaml --quiet || exit
grep -q skip: q.yaml && exit 1
$QNS search $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 120 --target 'top1-agreement>=0.5' -o q.yaml
