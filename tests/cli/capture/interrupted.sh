# Ctrl-C: whole samples stay in the .partial file, which compare refuses unless told.
/usr/bin/python3 -c "
import numpy as np
np.save('many.npy', np.zeros((200000, 28, 28), np.uint8))"
$QNS capture $FIXTURES/model.onnx -d many.npy -o f.h5 2> msg &
pid=$!
for i in $(seq 100); do [ -s f.h5.partial ] && break; sleep 0.05; done
sleep 0.3
kill -INT $pid
wait $pid
code=$?
[ $code = 130 ] || { cat msg; echo "exit code $code"; exit 1; }
grep -q 'f.h5.partial' msg || { cat msg; exit 1; }
[ ! -e f.h5 ] || exit 1
/usr/bin/python3 - <<'PY'
import h5py
f = h5py.File("f.h5.partial", "r")
assert f.attrs["complete"] == 0
n = len(f["samples"])
assert n > 0
for d in f["activations"].values():
    assert len(d) == n, (d.name, len(d), n)
PY
$QNS compare f.h5.partial f.h5.partial 2> msg
[ $? = 2 ] || { cat msg; exit 1; }
$QNS compare f.h5.partial f.h5.partial --allow-incomplete > /dev/null
