$QNS capture $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 5 -o a.h5 --quiet
$QNS capture $FIXTURES/model.onnx -d $FIXTURES/calib.yaml --limit 5 -o b.h5 --quiet
$QNS compare a.h5 b.h5
