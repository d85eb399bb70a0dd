set -e
cat > groups.yaml <<'Y'
groups:
  - [/stem/stem.0/Conv, /head/Gemm]
Y
$QNS search $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 60 --target 'output-sqnr>=30' --group '/block1/*' --group /block2/Add,/block4/Add \
    --groups groups.yaml -o q.yaml --json > s.json
/usr/bin/python3 - <<'PY'
import json
s = json.load(open("s.json"))
names = sorted(l["names"] for l in s["layers"])
assert ["/stem/stem.0/Conv", "/head/Gemm"] in names and ["/block2/Add", "/block4/Add"] in names
block1 = next(n for n in names if n[0].startswith("/block1/"))
assert len(block1) == 2 and len(s["layers"]) == 12 - 3
for l in s["layers"]:
    assert len({n in s["skip"] for n in l["names"]}) == 1
PY
