$QNS run $FIXTURES/model.onnx -d $FIXTURES/eval_images.npy --labels $FIXTURES/calib_labels.npy
