# Before anything is run.
$QNS search $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --target 'eval>=1' --eval-cmd 'touch ran; echo {model}' -o no/such/folder/q.yaml
code=$?
[ ! -e ran ] || exit 99
exit $code
