cat > r.json <<'J'
{"qns": "0.1.0", "kind": "comparison", "samples": 10,
 "reference": {"identity": {"graph": "aa", "weights": "bb", "inputs": "cc"}},
 "layers": [{"name": "conv1", "op": "conv", "activation": {"sqnr_db": 30.5}},
            {"name": "conv2", "op": "conv", "activation": {"sqnr_db": 18.25}}],
 "output": {"sqnr_db": 20.5, "top1_agreement": 0.98}}
J
printf 'output: {sqnr_db: {min: 20}}\n' > gate.yaml
$QNS gate r.json --rules gate.yaml --junit /dev/full/x.xml
