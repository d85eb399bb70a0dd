# A model made for one backend says on another what is different there.
set -e
"$QNS" quantize "$FIXTURES/model.onnx" -d "$FIXTURES/calib.yaml" --limit 20 -o q.onnx --quiet
for backend in fbgemm fbgemm-avx2 fbgemm-vnni qnnpack; do
    "$QNS" run q.onnx -d "$FIXTURES/eval.yaml" --limit 5 --backend $backend -o $backend.npy --quiet
done
test -s fbgemm-avx2.npy
