/usr/bin/python3 -c 'import h5py' 2> /dev/null || { echo "h5py is not installed"; exit 77; }
/usr/bin/python3 - <<'PY'
import h5py, numpy as np
x = np.random.default_rng(1).normal(size=(8, 4)).astype("f")
for path in ("f.h5", "q.h5"):
    with h5py.File(path, "w") as f:
        for d, name in (("a", "conv"), ("b", "conv"), ("c", "head")):
            f["activations/" + d] = x
            f["activations/" + d].attrs["name"] = name
PY
$QNS compare f.h5 q.h5 || exit
$QNS compare f.h5 q.h5 q.h5
