set -e
printf "backend: fbgemm\nrules:\n  - skip: ['*']\n" > q.yaml
$QNS sensitivity $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 4 -q q.yaml -o r.json --html r.html > table
grep -q 'nothing to quantize' table
