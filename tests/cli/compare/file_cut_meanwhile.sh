# A capture that somebody cuts while it is mapped: a message with its name, never a crash and never numbers.
[ -f "${CUT_LIB:-}" ] || { echo "SKIP: not in a build with sanitizers"; exit 77; }
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -o q.onnx --quiet
for m in f:$FIXTURES/model.onnx q:q.onnx; do
    $QNS capture ${m#*:} -d $FIXTURES/eval.yaml --limit 200 -o ${m%%:*}.h5 --quiet || exit 1
done
caught=0
for file in f q; do
    for at in 1 2 5 8; do
        cp f.h5 a.h5
        cp q.h5 b.h5
        [ $file = f ] && cut=a.h5 || cut=b.h5
        LD_PRELOAD=$CUT_LIB CUT_AT=$at CUT_FILE=$cut $QNS compare a.h5 b.h5 -j 2 -o out.json > out.txt 2> msg
        code=$?
        # A dataset that was read already, or is small enough to be read without mapping it, says other words.
        if [ $code = 3 ] && [ ! -s out.txt ] && [ ! -e out.json ] && grep -q "'$cut'" msg; then
            grep -q 'was cut while it was read' msg && caught=$((caught + 1))
            continue
        fi
        echo "cut $cut at mapping $at: exit code $code"
        cat msg
        exit 1
    done
done
[ $caught -ge 2 ] || { echo "only $caught cuts met a mapping"; exit 1; }
