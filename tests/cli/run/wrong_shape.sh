/usr/bin/python3 -c "import numpy as np; np.save('bad.npy', np.zeros((4, 28, 27), np.uint8))"
$QNS run $FIXTURES/model.onnx -d bad.npy
