$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml --skip /stem/stem.0/Cnv -o q.onnx
