$QNS run $FIXTURES/model.onnx -d inptu=$FIXTURES/eval_images.npy
