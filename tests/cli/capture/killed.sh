# kill -9: what was flushed stays readable.
/usr/bin/python3 -c "
import numpy as np
np.save('many.npy', np.zeros((400000, 28, 28), np.uint8))"
$QNS capture $FIXTURES/model.onnx -d many.npy -o f.h5 2> msg &
pid=$!
sleep 4
kill -KILL $pid
wait $pid 2> /dev/null
[ ! -e f.h5 ] || exit 1
$QNS compare f.h5.partial f.h5.partial --allow-incomplete --json > out.json || exit 1
/usr/bin/python3 -c "
import json
assert json.load(open('out.json'))['samples'] > 0"
