set -e
printf '2\n3\n' | $QNS bench serve $FIXTURES/model.onnx -j 1 > out
[ "$(sed -n 1p out)" = ready ]
[ "$(sed -n 2p out | wc -w)" = 2 ]
[ "$(sed -n 3p out | wc -w)" = 3 ]
[ "$(wc -l < out)" = 3 ]
