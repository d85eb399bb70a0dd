$QNS search $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 60 --target 'eval>=2' --eval-cmd 'test -s {model} && echo 1' -o q.yaml
code=$?
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -q q.yaml -o m.onnx --quiet || exit 70
grep -q 'NOT MET: 1 with' q.yaml || exit 70
exit $code
