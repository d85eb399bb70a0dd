$QNS search $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 40 --target 'output-sqnr>=30' -o q.yaml --quiet || exit
$QNS search $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 44 --target 'output-sqnr>=30' -o q.yaml --quiet
