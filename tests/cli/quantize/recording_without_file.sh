$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml --preset debug -o q.onnx
