set -e
$QNS bench layers $FIXTURES/model.onnx -j 1 --runs 3 --all > table
awk 'length($0) > 80 { print "more than 80 columns: " $0; exit 1 }' table
grep -q '^layers together: ' table
! grep -q vnni table || grep -q '^peak, 1 thread: .*int8 [0-9]' table
$QNS bench layers $FIXTURES/model.onnx -j 1 --runs 3 --json > r.json
/usr/bin/python3 - <<'PY'
import json
r = json.load(open("r.json"))["results"][0]
ms = [l["ms"] for l in r["layers"]]
assert ms == sorted(ms, reverse=True) and abs(sum(l["share"] for l in r["layers"]) - 1) < 1e-5  # six digits each
text = open("table").read()
peak = r["peak"]
assert peak["threads"] == 1 and (peak["int8"] > 0) == (peak["int8_loop"] is not None)
assert all(l["name"][-17:] in text for l in r["layers"])
PY
