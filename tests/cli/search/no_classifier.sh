/usr/bin/python3 - <<'PY'
import onnx
from onnx import helper, numpy_helper, TensorProto
import numpy as np
w = numpy_helper.from_array(np.ones((2, 1, 3, 3), np.float32), "w")
g = helper.make_graph([helper.make_node("Conv", ["x", "w"], ["y"], name="c")], "g",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 28, 28])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, 26, 26])], [w])
onnx.save(helper.make_model(g, opset_imports=[helper.make_opsetid("", 13)]), "conv.onnx")
PY
$QNS search conv.onnx -d $FIXTURES/eval_images.npy --target 'top1-agreement>=0.9' -o q.yaml
