set -e
# Each part alone and together: what is asked for is in the file, and nothing else.
for what in inputs weights outputs inputs,weights weights,outputs inputs,weights,outputs; do
    $QNS capture $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 3 --what $what -o $what.h5 --quiet
    $QNS inspect $what.h5 > /dev/null
done
/usr/bin/python3 - <<'PY'
import glob
import h5py
parts = {"inputs": "inputs", "weights": "weights", "outputs": "activations"}
files = glob.glob("*.h5")
assert len(files) == 6
for path in files:
    what = path[:-3].split(",")
    with h5py.File(path) as f:
        for name, group in parts.items():
            assert bool(len(f[group])) == (name in what), (path, group)
        for g in ("inputs", "activations"):
            assert all(len(d) == 3 for d in f[g].values()), path
        assert f.attrs["complete"] == 1
PY
