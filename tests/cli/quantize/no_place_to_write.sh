$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml --limit 5 -o no/such/folder/q.onnx
