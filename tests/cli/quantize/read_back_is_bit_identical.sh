# The same data twice through the written model, once by scalar code and one thread: equal bytes.
set -e
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -o q.onnx --quiet
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -o again.onnx --quiet
cmp q.onnx again.onnx
$QNS run q.onnx -d $FIXTURES/eval.yaml -o a.npy --quiet
$QNS run q.onnx -d $FIXTURES/eval.yaml -o b.npy --isa scalar -j 1 --quiet
$QNS run q.onnx -d $FIXTURES/eval.yaml -o c.npy --isa avx2 -j 2 --quiet
cmp a.npy b.npy
cmp a.npy c.npy
