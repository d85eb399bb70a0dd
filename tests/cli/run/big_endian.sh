/usr/bin/python3 -c "import numpy as np; np.save('be.npy', np.zeros((4, 28, 28), '>f4'))"
$QNS run $FIXTURES/model.onnx -d be.npy
