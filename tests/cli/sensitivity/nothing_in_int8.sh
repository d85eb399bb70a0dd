# Dynamic layers and those of float16 are not switched: one message, before any work.
for how in --dynamic --float16; do
    $QNS sensitivity $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 4 $how -o r.json
    [ $? = 70 ] && [ ! -e r.json ] || exit 1
done
printf 'backend: fbgemm\ndefault: dynamic\n' > q.yaml
$QNS search $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 40 --target 'output-sqnr>=20' -q q.yaml -o m.yaml
