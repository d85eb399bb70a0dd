# Each is an error that says what is wrong where.
printf 'dequantize_at: ["/block2/conv1/conv1.0/Conv"]\n' > mixed.yaml
printf 'quantize_at: [input, "/block2/Add"]\n' > twice.yaml
printf 'quantize_at: [input]\ndequantize_at: [input]\n' > both.yaml
printf 'dequantize_at: ["/block2/Add"]\nrules:\n  - skip: ["/block2/Add"]\n' > float.yaml
printf 'wrap: [block4]\nquantize: true\n' > wrap.yaml
for f in mixed twice both float wrap; do
    $QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -q $f.yaml -o q.onnx > /dev/null
    [ $? = 64 ] || exit 1
done
