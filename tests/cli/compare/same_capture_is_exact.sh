set -e
$QNS capture $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 5 -o a.h5 --quiet
$QNS compare a.h5 a.h5 --json > r.json
/usr/bin/python3 - <<'PY'
import json
r = json.load(open("r.json"))
assert r["output"]["top1_agreement"] == 1
assert all(l["activation"]["sqnr_db"] == "inf" for l in r["layers"]), r["layers"][0]
PY
