$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml --preset default_reuse_input_qconfig -o q.onnx
