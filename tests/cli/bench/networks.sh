set -e
/usr/bin/python3 -c 'import torchvision' 2>/dev/null || { echo "SKIP: python3-torchvision is not installed"; exit 77; }
/usr/bin/python3 $FIXTURES/../../tools/bench/networks.py nets mobilenet_v2 --size 32 --images 2 > made
grep -q '^nets/mobilenet_v2.onnx: 3504872 parameters' made
$QNS quantize nets/mobilenet_v2.onnx -d nets/calib.npy -o q.onnx --quiet
$QNS bench model nets/mobilenet_v2.onnx --runs 1 -j 1 --dim batch=2 --json > float.json
$QNS bench model q.onnx --runs 1 -j 1 --json > quant.json
/usr/bin/python3 - <<'PY'
import json
(a,), (b,) = (json.load(open(f))["results"] for f in ("float.json", "quant.json"))
assert a["batch"] == 2 and a["ops"] > 1e7, a
assert b["quantized"] and all(l["integer"] for l in b["layers"] if l["op"] == "conv")
PY
