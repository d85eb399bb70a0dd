set -e
# Number of layers that the model has in int8: at most 9 of 12 are allowed, and the stem must be float.
cat > judge.py <<'PY'
import onnx, sys
m = onnx.load(sys.argv[1])
skipped = "stem" not in "".join(i.name for i in m.graph.initializer if i.name.endswith("_q"))
print("looking at the model", file=sys.stderr)
print("model of", len(m.graph.node), "nodes")
print(1.0 if skipped else 0.25)
PY
mkdir "a folder"
TMPDIR="$PWD/a folder" $QNS search $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 60 --target 'eval>=0.9' \
    --eval-cmd '/usr/bin/python3 judge.py {model}' -o q.yaml --json > s.json
[ -z "$(ls "a folder")" ]
/usr/bin/python3 - <<'PY'
import json
s = json.load(open("s.json"))
assert s["met"] and s["skip"] == ["/stem/stem.0/Conv"], s["skip"]
assert s["check"]["verdict"] == "not checked" and "lo" not in s["check"]
PY
$QNS report s.json | grep -q 'the command measures on data of its'
