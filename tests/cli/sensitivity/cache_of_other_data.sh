$QNS sensitivity $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 4 --calib $FIXTURES/calib.yaml --calib-limit 4 --cache c --quiet
$QNS sensitivity $FIXTURES/model.onnx -d $FIXTURES/calib.yaml --limit 4 --calib $FIXTURES/calib.yaml --calib-limit 4 --cache c
