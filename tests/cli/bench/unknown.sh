$QNS bench modle x.onnx
