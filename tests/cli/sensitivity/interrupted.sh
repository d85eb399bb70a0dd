# Stopped by Ctrl-C, then continued: the same bytes as in one go.
set -e
scan() { $QNS sensitivity $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 600 --calib $FIXTURES/calib.yaml --calib-limit 8 --quiet "$@"; }
scan -o whole.json
$QNS sensitivity $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 600 --calib $FIXTURES/calib.yaml --calib-limit 8 --quiet \
    --cache c.trials -o part.json & pid=$!
for i in $(seq 400); do # until it runs trials: the data's marks are written before
    [ -s c.trials ] && break
    sleep 0.05
done
sleep 0.5
kill -INT $pid 2>/dev/null || true
wait $pid && code=0 || code=$?
[ $code = 130 ] || [ $code = 0 ] # a fast machine may have finished
[ $code = 0 ] || [ ! -e part.json ]
scan --cache c.trials -o part.json
cmp whole.json part.json
# What was being written when a process is killed.
truncate -s -7 c.trials
scan --cache c.trials -o part.json
cmp whole.json part.json
