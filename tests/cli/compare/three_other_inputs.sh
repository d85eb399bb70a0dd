$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -o q.onnx --quiet
$QNS capture $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 5 -o f.h5 --quiet
$QNS capture q.onnx -d $FIXTURES/eval.yaml --limit 5 -o a.h5 --quiet
$QNS capture q.onnx -d $FIXTURES/calib.yaml --limit 5 -o b.h5 --quiet
$QNS compare f.h5 a.h5 b.h5
