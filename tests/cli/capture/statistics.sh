set -e
$QNS capture $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 40 -o f.h5 --quiet
$QNS capture $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 40 --policy stats -j 1 -o s.h5 --quiet
$QNS capture $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 40 --policy stats -j 2 -o s2.h5 --quiet
h5diff s.h5 s2.h5 || test $? -eq 127
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -o q.onnx --quiet
$QNS capture q.onnx -d $FIXTURES/eval.yaml --limit 40 --policy stats -o qs.h5 --quiet
$QNS inspect s.h5 > table
sed -n '/^statistics/,$p' table | awk 'length($0) > 80 { print "more than 80 columns: " $0; exit 1 }'
grep -q 'statistics .* min' table
$QNS inspect s.h5 --json > s.json
# The numbers are those of all values.
/usr/bin/python3 - <<'PY'
import json
import h5py
import numpy as np
f, s, q = h5py.File("f.h5"), h5py.File("s.h5"), h5py.File("qs.h5")
assert "activations" not in s or not len(s["activations"])
assert set(s["statistics"]) == set(f["activations"]) and len(s["statistics"]) > 10
for name, d in s["statistics"].items():
    x = f["activations"][name][:].astype(np.float64)
    a = d.attrs
    assert a["count"] == x.size == d[:].sum(), name
    assert a["min"] == x.min() and a["max"] == x.max() and a["nan"] == a["inf"] == 0, name
    assert abs(a["mean"] - x.mean()) <= 1e-9 * (abs(x).mean() + 1e-30), name
    assert abs(a["std"] - x.std()) <= 1e-6 * x.std(), name
    edges = a["lo"] + a["width"] * np.arange(len(d) + 1)
    want = np.histogram(x, edges)[0]
    assert abs(want - d[:]).sum() <= 1e-3 * x.size, name
assert set(q["statistics"]) & set(s["statistics"])
j = json.load(open("s.json"))
sets = (j[0] if isinstance(j, list) else j)
assert "p99.9" in json.dumps(sets)
PY
