$QNS capture $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 4 -o f.h5 --quiet
$QNS capture $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 4 --policy stats -o s.h5 --quiet
$QNS compare f.h5 s.h5
