set -e
$QNS run $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 50 --float-engine reference --isa scalar -j 1 -o a.npy --quiet
$QNS run $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 50 --float-engine reference --isa all -j 2 -o b.npy --quiet
cmp a.npy b.npy
