# What recording observers see is what a capture of the float model holds, and the model stays float there.
set -e
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml --limit 3 --preset debug --record seen.h5 -o q.onnx --explain > table
grep -q 'it stays float' table
$QNS capture $FIXTURES/model.onnx -d $FIXTURES/calib.yaml --limit 3 --what outputs -o float.h5 --quiet
$QNS compare float.h5 seen.h5 --json -o result.json > /dev/null
/usr/bin/python3 - <<'PY'
import json
r = json.load(open("result.json"))
assert len(r["layers"]) > 5 and all(l["activation"]["sqnr_db"] == "inf" for l in r["layers"]), r["ranking"]
PY
