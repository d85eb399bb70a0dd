$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml --backend fbgem -o q.onnx
