head -c 5000 $FIXTURES/eval_images.npy > cut.npy
$QNS run $FIXTURES/model.onnx -d cut.npy
