# The same file from one thread, with a writer beside it, as from all, which write between layers.
/usr/bin/python3 - <<'PY'
import numpy as np
np.save("some.npy", np.random.default_rng(1).integers(0, 255, (7, 28, 28), np.uint8))
PY
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -o q.onnx --quiet || exit 1
for j in 1 $(nproc); do
    $QNS capture q.onnx -d some.npy -j $j -o $j.h5 --quiet || exit 1
done
/usr/bin/python3 - 1.h5 $(nproc).h5 <<'PY'
import sys, h5py
a, b = (h5py.File(p, "r") for p in sys.argv[1:])
names = []
a.visit(names.append)
assert len(names) > 10
for n in names:
    if isinstance(a[n], h5py.Dataset):
        assert (a[n][...] == b[n][...]).all(), n
PY
