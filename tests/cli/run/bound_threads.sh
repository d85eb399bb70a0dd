# Threads that the user binds get a processor each: a program started anew would have one for all of them.
[ "$(nproc)" -gt 1 ] || { echo "SKIP: there is one processor"; exit 77; }
set -e
OMP_PROC_BIND=true OMP_DISPLAY_AFFINITY=true OMP_AFFINITY_FORMAT='on %A' \
    $QNS run $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 8 -j 2 --quiet > out 2> threads
[ "$(grep '^on ' threads | sort -u | wc -l)" -gt 1 ] || { echo "all threads on one processor:"; cat threads; exit 1; }
