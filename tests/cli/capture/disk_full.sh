# A file size limit stands for the full disk. What was whole stays readable and is marked.
trap '' XFSZ
(ulimit -f 2000; $QNS capture $FIXTURES/model.onnx -d $FIXTURES/eval.yaml -o f.h5) 2> msg
code=$?
grep -q "f.h5" msg || { cat msg; exit 1; }
[ ! -e f.h5 ] || { echo "a capture that is not complete has the final name"; exit 1; }
exit $code
