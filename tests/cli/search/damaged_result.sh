set -e
$QNS search $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 40 --target 'output-sqnr>=30' -o q.yaml --json > s.json
/usr/bin/python3 - <<'PY'
import json
s = json.load(open("s.json"))
def variant(name, change):
    d = json.loads(json.dumps(s)); change(d); json.dump(d, open(name, "w"))
variant("a.json", lambda d: d["trials"][2].update(float=[3, 999]))
variant("b.json", lambda d: d["trials"][2].update(float=[3, 3]))
variant("c.json", lambda d: d.update(best=1000))
variant("d.json", lambda d: d["layers"].clear())
variant("e.json", lambda d: d["trials"].clear())
variant("f.json", lambda d: d["check"].update(verdict="fine"))
variant("g.json", lambda d: d.update(front=[-1]))
variant("h.json", lambda d: d["target"].update(limit="nan"))
PY
for f in a b c d e f g h; do
    ! $QNS report $f.json > /dev/null 2> err
    grep -q "^qns: reading '$f.json': '" err || { cat err; exit 1; }
done
