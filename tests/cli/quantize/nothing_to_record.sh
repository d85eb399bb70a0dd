$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml --record seen.h5 -o q.onnx
