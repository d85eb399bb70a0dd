# The same bytes from any number of threads: samples side by side, each in a lane, as one after the other.
/usr/bin/python3 - <<'PY'
import numpy as np
np.save("some.npy", np.random.default_rng(1).integers(0, 255, (1100, 28, 28), np.uint8)) # lists of two chunks
np.save("few.npy", np.random.default_rng(1).integers(0, 255, (41, 28, 28), np.uint8))
PY
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -o q.onnx --quiet || exit 1
same() {
    for j in 1 2 5; do
        $QNS capture "$@" -j $j -o $j.h5 --quiet || exit 1
    done
    cmp 1.h5 2.h5 && cmp 1.h5 5.h5 || { echo "other bytes: $*"; exit 1; }
}
same q.onnx -d some.npy
same $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 41 --what inputs,weights,outputs
same q.onnx -d few.npy --compress deflate
same $FIXTURES/model.onnx -d few.npy --compress deflate
same q.onnx -d few.npy --policy stats
same $FIXTURES/model.onnx -d few.npy --policy stats
same q.onnx -d few.npy --policy sample=7
for j in 1 2; do
    $QNS run $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 41 -j $j -o $j.npy --json | grep -v seconds > $j.json || exit 1
done
cmp 1.npy 2.npy && cmp 1.json 2.json
