cat > r.json <<'J'
{"qns": "0.1.0", "kind": "comparison", "samples": 10,
 "reference": {"identity": {"graph": "aa", "weights": "bb", "inputs": "cc"}},
 "layers": [{"name": "conv1", "op": "conv", "activation": {"sqnr_db": 30.5}},
            {"name": "conv2", "op": "conv", "activation": {"sqnr_db": 18.25}}],
 "output": {"sqnr_db": 20.5, "top1_agreement": 0.98}}
J
head -c 200 r.json > cut.json
printf 'output: {sqnr_db: {min: 20}}\n' > gate.yaml
$QNS gate cut.json --rules gate.yaml --junit j.xml
code=$?
grep -q '<error message="reading &#39;cut.json&#39;: not JSON' j.xml || exit 1
exit $code
