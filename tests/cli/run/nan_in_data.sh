/usr/bin/python3 -c "
import numpy as np
x = np.zeros((4, 28, 28), np.float32); x[2, 3, 4] = np.nan; np.save('nan.npy', x)"
$QNS run $FIXTURES/model.onnx -d nan.npy
