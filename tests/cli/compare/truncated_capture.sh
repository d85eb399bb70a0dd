$QNS capture $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 5 -o a.h5 --quiet
head -c 100000 a.h5 > cut.h5
$QNS compare a.h5 cut.h5
