set -e
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -o q.onnx --quiet
for b in capture compare shadow calibrate; do
    models="$FIXTURES/model.onnx q.onnx"
    [ $b = calibrate ] && models=$FIXTURES/model.onnx
    [ $b = compare ] || $QNS bench $b $models -d $FIXTURES/eval.yaml --limit 8 --runs 2 -j 1 > table
    awk -v b=$b 'length($0) > 80 { print b ": more than 80 columns: " $0; exit 1 }' table
    $QNS bench $b $models -d $FIXTURES/eval.yaml --limit 8 --runs 2 -j 1 --json > $b.json
done
[ -z "$(ls -- *.h5 2>/dev/null)" ]
/usr/bin/python3 - <<'PY'
import json
ways = {}
for b in ("capture", "compare", "shadow", "calibrate"):
    r = json.load(open(b + ".json"))
    assert r["benchmark"] == b
    ways[b], = r["results"]
    assert ways[b]["samples"] == 8
w = {x["name"]: x for x in ways["capture"]["ways"]}
assert 0 < w["capture"]["bytes"] <= w["raw write"]["bytes"] < w["capture"]["bytes"] + 2**20
assert w["capture"]["bytes"] > w["capture, 2"]["bytes"]
found, plain = ways["capture"]["findings"], w["plain run"]["seconds"]["median"]
floor = w["side by side"]["seconds"]["median"] + w["raw write"]["seconds"]["median"] / ways["capture"]["threads"]
assert abs(found["capture_over_floor"] * floor / (found["capture_over_plain"] * plain) - 1) < 1e-4 # six digits are printed
assert ways["compare"]["findings"].keys() == {"compare_rate_per_thread", "weights_seconds", "sums_rate", "memory_read_rate"}
assert "shadow_over_parts" in ways["shadow"]["findings"]
assert ways["calibrate"]["findings"].keys() == {"minmax_over_run", "histogram_over_run"}
PY
