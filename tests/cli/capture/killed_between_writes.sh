# kill -9 right before each of the last writes, which are two flushes: what an earlier flush made readable stays so.
[ -f "${DIE_LIB:-}" ] || { echo "SKIP: not in a build with sanitizers"; exit 77; }
capture() {
    rm -f f.h5*
    LD_PRELOAD=$DIE_LIB $QNS capture $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 300 -j 1 -o f.h5 --quiet 2> msg
}
DIE_COUNT=count capture || exit 1
n=$(cat count)
[ "$n" -gt 100 ] || { echo "only $n writes"; exit 1; }
killed=0
for ((k = n - 40; k <= n; k++)); do
    DIE_AT=$k capture
    [ -e f.h5 ] && continue # a flush less than when the writes were counted
    killed=$((killed + 1))
    $QNS compare f.h5.partial f.h5.partial --allow-incomplete --json > out.json 2> msg && continue
    echo "killed before write $k of $n:"
    cat msg
    exit 1
done
[ $killed -ge 30 ] || { echo "killed only $killed times"; exit 1; }
