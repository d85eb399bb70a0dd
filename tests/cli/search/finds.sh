set -e
look() { $QNS search $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 300 --calib $FIXTURES/calib.yaml --target 'output-sqnr>=29' "$@"; }
look -o q.yaml --html page.html -j 1 > table
sed 's,…,.,g' table | awk 'length($0) > 80 && !/^next|^ +qns|^wrote/ { print "more than 80 columns: " $0; exit 1 }'
grep -q '^target output-sqnr >= 29 dB met with' table
grep -q 'verified on 100 other samples' table
grep -q '^next: qns quantize .* -q q.yaml' table
# Again with other threads, from nothing: the same answer. From the log: nothing is run.
cp q.yaml first.yaml
rm q.yaml.jsonl
look -o q.yaml --json -j 2 > s.json
diff <(grep -v '^#' first.yaml) <(grep -v '^#' q.yaml)
look -o q.yaml --json > again.json
/usr/bin/python3 - <<'PY'
import json
s, a = json.load(open("s.json")), json.load(open("again.json"))
assert s["kind"] == "search" and s["met"] and s["runs"] == len(s["trials"]) > 12 and s["from_log"] == 0
assert a["runs"] == 0 and a["from_log"] == len(a["trials"])
for r in s, a:
    for t in r["trials"]: del t["seconds"]
    for k in "runs", "from_log", "seconds", "command": del r[k]
assert s == a
best = s["trials"][s["best"]]
assert best["sqnr_db"] >= 29 and s["trials"][s["int8"]]["sqnr_db"] < 29
assert s["skip"] == [s["layers"][i]["name"] for i in best["float"]] and 0 < len(s["skip"]) < 6
# No trial that meets the target is cheaper, and the front is one.
macs = lambda t: t["cost"]["macs"]
assert all(macs(t) >= macs(best) for t in s["trials"] if t["met"])
num = lambda x: float(x)
front = [s["trials"][i] for i in s["front"]]
for f in front:
    assert not any(macs(t) <= macs(f) and num(t["sqnr_db"]) > num(f["sqnr_db"]) for t in s["trials"])
c = s["check"]
assert c["samples"] == 100 and c["lo"] < c["value"] < c["hi"] and c["verdict"] == "verified"
open("skip", "w").write("\n".join(s["skip"]) + "\n")
PY
# Everyone takes the result.
$QNS report s.json -o r.html
grep -q 'What float layers buy' r.html
$QNS report s.json | head -1 | diff - <(head -1 table)
$QNS report s.json --format json | diff - s.json
$QNS inspect s.json | grep -q 'search of .*model.onnx, 12 layers, 200 samples'
$QNS skiplist s.json --to onnxruntime > a
$QNS skiplist q.yaml --model $FIXTURES/model.onnx --to qns | grep skip: > b
$QNS skiplist s.json --model $FIXTURES/model.onnx --to qns | grep skip: | diff - b
grep -c . skip > /dev/null
while read -r name; do grep -qF "\"$name\"" a; done < skip
# The model of the answer is what the check measured.
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -q q.yaml -o mixed.onnx --quiet
/usr/bin/python3 - <<'PY'
import json, os
import numpy as np
d = os.environ["FIXTURES"]
x, y = np.load(d + "/eval_images.npy")[:300], np.load(d + "/eval_labels.npy")[:300]
np.save("x.npy", x[2::3]); np.save("y.npy", y[2::3])
text = open(d + "/eval.yaml").read().replace("eval_images.npy", "x.npy").replace("eval_labels.npy", "y.npy")
open("check.yaml", "w").write(text)
PY
$QNS run mixed.onnx -d check.yaml --json > run.json
/usr/bin/python3 -c '
import json
r, s = json.load(open("run.json")), json.load(open("s.json"))
assert r["top1"] == s["check"]["mixed"]["top1"], (r["top1"], s["check"])'
