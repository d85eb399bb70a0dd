# kill -9 while several samples are on their way: the samples that count are whole and right.
[ -f "${DIE_LIB:-}" ] || { echo "SKIP: not in a build with sanitizers"; exit 77; }
capture() {
    LD_PRELOAD=$DIE_LIB $QNS capture $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 300 -j 3 --quiet "$@" 2> msg
}
DIE_COUNT=count capture -o ref.h5 || exit 1
n=$(cat count)
[ "$n" -gt 1000 ] || { echo "only $n writes"; exit 1; }
killed=0
for ((k = n / 20; k <= n; k += n / 20 - 1)); do
    rm -f f.h5*
    DIE_AT=$k capture -o f.h5
    [ -e f.h5 ] && continue
    killed=$((killed + 1))
    $QNS inspect f.h5.partial > /dev/null 2> msg || { echo "killed before write $k of $n:"; cat msg; exit 1; }
    /usr/bin/python3 - <<'PY' || { echo "killed before write $k of $n"; exit 1; }
import h5py
f, ref = h5py.File("f.h5.partial", "r"), h5py.File("ref.h5", "r")
n = len(f["samples"])
assert 0 < n <= 300 and f.attrs["complete"] == 0
assert (f["samples"][:] == range(n)).all() and (f["labels"][:] == ref["labels"][:n]).all()
assert (f["sample_inputs"][:] == ref["sample_inputs"][:n]).all()
for name, d in f["activations"].items():
    assert (d[:n] == ref["activations"][name][:n]).all(), name
PY
done
[ $killed -ge 15 ] || { echo "killed only $killed times"; exit 1; }
