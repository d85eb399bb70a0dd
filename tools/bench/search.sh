#!/bin/bash
# SPDX-License-Identifier: MIT
# qns search on the shared models: what it finds, and how many float layers each single-pass ranking needs for the
# same target (a prefix of the ranking, found by bisection). Prints the tables of docs/search.md.
#
#     usage: [DDMIN=1] tools/bench/search.sh [OUTPUT_FOLDER [MODEL...]]
#
# DDMIN=1 adds delta debugging, which takes some hundred trials. The logs of the trials stay in the folder: what was
# interrupted goes on, what is done is not run again; the time is that of all trials in the log. QNS names the program, default
# build/release/qns.
set -eu
cd "$(dirname "$0")/../.."
out=${1:-build/search}
shift || true
models=${*:-mobilenet_v1_0.75_224 ultraface_rfb_320 deeplabv3_mnv2_0.5_257 ppocr_v4_det}
shared=$(cd ../shared && pwd) qns=${QNS:-build/release/qns} e2e=$PWD/tests/e2e/models
mkdir -p "$out"
[ -f "$out/text_eval.npy" ] || /usr/bin/python3 tools/bench/search_data.py "$shared" "$out" 2>/dev/null

# Per-tensor weights: what the MobileNet collapses under.
cat >"$out/per_tensor.yaml" <<'Y'
backend: fbgemm
default: fbgemm
weight: {observer: minmax, per_channel: false, symmetric: true}
Y
echo "inputs: {data: {file: $shared/data/faces/images_240x320.npy, layout: NHWC, mean: 127, std: 128}}" >"$out/faces.yaml"
for part in calib eval; do
    echo "inputs: {data: {file: deeplab_$part.npy, layout: NHWC, mean: 127.5, std: 127.5}}" >"$out/deeplab_$part.yaml"
    echo "inputs: {data: {file: text_$part.npy, layout: NHWC, scale: 0.00392156862745098," \
        "mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}}" >"$out/text_$part.yaml"
done

# Sets target and args. Calibration data are never searched or checked with.
setup() {
    case $1 in
    mobilenet_*) target='top1-drop<=0.02' args=(-d "$e2e/$1.eval.yaml" --calib "$e2e/$1.calib.yaml" -q "$out/per_tensor.yaml") ;;
    ultraface_*) target='output-sqnr>=25' args=(-d "$out/faces.yaml") ;;
    deeplab*) target='output-sqnr>=25' args=(-d "$out/deeplab_eval.yaml" --calib "$out/deeplab_calib.yaml") ;;
    ppocr_*) target='output-sqnr>=20' args=(-d "$out/text_eval.yaml" --calib "$out/text_calib.yaml"
        --dim p2o.DynamicDimension.0=1 --dim p2o.DynamicDimension.1=160 --dim p2o.DynamicDimension.2=320) ;;
    *) echo "no set-up for model '$1'" >&2; exit 64 ;;
    esac
}

# run NAME OPTION...: one search; the result in $out/$model.NAME.json
run() {
    local name=$1 code=0
    shift
    [ ! -s "$out/$model.$name.json" ] || return 0
    "$qns" search "$shared/models/$model.onnx" "${args[@]}" --target "$target" -o "$out/$model.$name.yaml" --json "$@" \
        >"$out/$model.$name.json" || code=$?
    [ $code -le 1 ] || exit $code
}

row() {
    /usr/bin/python3 - "$out/$model.$1.json" "$2" "$out/$model.$1.jsonl" <<'PY'
import json, os, sys
s = json.load(open(sys.argv[1]))
t, c = s["trials"][s["best"]], s["check"]
metric = {"top1-drop": "drop", "output-sqnr": "sqnr_db"}[s["target"]["metric"]]
num = float
def text(v):
    v = num(v)
    return "exact" if v == float("inf") else f"{100 * v:.1f} %" if metric == "drop" else f"{v:.1f} dB"
after = f"{text(c['value'])} [{text(c['lo'])}, {text(c['hi'])}]" if "lo" in c else "-"
log = sys.argv[3]
spent = f"{sum(json.loads(x).get('seconds', 0) for x in open(log)):.0f} s" if os.path.exists(log) else "-"
print(f"| {sys.argv[2]} | {len(t['float'])} of {len(s['layers'])} | {100 * t['cost']['macs'] / s['total']['macs']:.1f} % "
      f"| {text(t[metric])} | {after} | {len(s['trials'])} | {spent} |")
PY
}

for model in $models; do
    setup "$model"
    run default --log "$out/$model.default.jsonl"
    [ -z "${DDMIN:-}" ] || run ddmin --log "$out/$model.ddmin.jsonl" --strategy bisect,ddmin
    [ -f "$out/$model.jsonl" ] || cp "$out/$model.default.jsonl" "$out/$model.jsonl"
    run fewest --log "$out/$model.jsonl" --cost layers
    for by in leave-one-in leave-one-out local cumulative weight; do
        run "$by" --log "$out/$model.jsonl" --strategy bisect --cost layers --by $by
    done
    /usr/bin/python3 - "$out/$model.default.json" <<'PY'
import json, sys
s = json.load(open(sys.argv[1]))
c = s["check"]
b = s["trials"][s["int8"]]
print(f"\n{s['model'].rsplit('/', 1)[-1]}, target {s['target']['text']}: everything in int8 has "
      + (f"{100 * b['drop']:.1f} % drop" if "drop" in b else f"{b['sqnr_db']:.1f} dB")
      + f"; {s['calibration']['samples']} samples calibrate, {s['search']['samples']} search, {c['samples']} check.")
if "reference_top1" in c:
    print(f"On the {c['samples']} of the check, top-1: float {100 * c['reference_top1']:.1f} %, "
          f"int8 {100 * c['int8']['top1']:.1f} %, mixed {100 * c['mixed']['top1']:.1f} %.")
print("In float:", " ".join(s["skip"]))
PY
    echo
    echo "| search | float layers | MACs in float | reached | other samples, 95 % interval | trials | time |"
    echo "|---|---|---|---|---|---|---|"
    row default "default: bisect,backward, fewest MACs"
    [ -z "${DDMIN:-}" ] || row ddmin "bisect,ddmin, fewest MACs"
    row fewest "bisect,backward, fewest layers"
    for by in leave-one-in leave-one-out local cumulative weight; do
        row $by "prefix by $by"
    done
done
