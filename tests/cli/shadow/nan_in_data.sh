$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -o q.onnx --quiet
/usr/bin/python3 -c "
import numpy as np
x = np.zeros((4, 28, 28), np.float32); x[2, 3, 4] = np.nan; np.save('nan.npy', x)"
$QNS shadow $FIXTURES/model.onnx q.onnx -d nan.npy
