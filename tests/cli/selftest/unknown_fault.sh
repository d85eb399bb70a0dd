$QNS selftest a.onnx b.onnx -d x --rules g.yaml --faults zero-pint
