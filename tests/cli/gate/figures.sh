# Results of sensitivity, search and selftest, by one file of rules.
set -e
f=$FIXTURES/model.onnx d="-d $FIXTURES/eval.yaml --limit 12"
$QNS quantize $f -d $FIXTURES/calib.yaml --limit 8 -o q.onnx --quiet
printf 'output: {sqnr_db: {min: 1}}\n' > blunt.yaml
$QNS sensitivity $f $d --layers '/head/*' --layers '*stem*' -o sensitivity.json --quiet
$QNS search $f $d --target 'output-sqnr>=30' -o m.yaml --json > search.json || true
$QNS selftest $f q.onnx $d --rules blunt.yaml --layers /head/Gemm --runs 5 -o selftest.json --quiet || true
gate() { $QNS gate $1.json --rules rules.yaml -o gate.json --quiet && echo 0 || echo $?; }
failed() { /usr/bin/python3 -c 'import json
print(*sorted({c["check"] for c in json.load(open("gate.json"))["checks"] if c["state"] == "failed"}))'; }
cat > rules.yaml <<'Y'
layers: [{name: "*", activation: {sqnr_db: {min: 1}}}]
sensitivity: {leave_one_in_db: {min: 1}, gain_db: {max: 60}, sqnr_db: {min: 1}, top1_drop: {max: 1}}
search: {met: true, float_layers: {min: 1, max: 11}, float_macs: {max: 1}, sqnr_db: {min: 10}}
selftest: {caught: {max: 1}, tried: {min: 1}, clean: true}
Y
for kind in sensitivity search selftest; do [ $(gate $kind) = 0 ]; done
sed -i 's/1}, gain/99}, gain/; s/max: 11/max: 1/; s/max: 1}, tried/min: 1}, tried/' rules.yaml
for kind in sensitivity search selftest; do
    [ $(gate $kind) = 1 ]
    failed
    # The number is that of the result.
    /usr/bin/python3 - $kind <<'PY'
import json, sys
gate = json.load(open("gate.json"))
r = json.load(open(sys.argv[1] + ".json"))
bad = {(c["check"], c["layer"]): c["value"] for c in gate["checks"] if c["state"] == "failed"}
want = {"sensitivity": lambda: {("sensitivity.leave_one_in_db.min", u["name"]): u["leave_one_in"]["output_sqnr_db"]
                                for u in r["units"]},
        "search": lambda: {("search.float_layers.max", ""): sum(l["kept"] == "float" for l in r["layers"])},
        "selftest": lambda: {("selftest.caught.min", ""): r["caught"] / r["possible"]}}[sys.argv[1]]()
assert bad == want, (bad, want)
assert sum(c["state"] == "skipped" for c in gate["checks"]) == 3, gate
PY
done
