# What cannot be meant is told with what can.
r=$(dirname $(dirname $FIXTURES))/tests/fuzz/corpus/result
try() { printf "$1" > rules.yaml; $QNS gate $r/$2.json --rules rules.yaml; [ $? = 64 ] || exit 1; }
try 'search: {float_layer: {max: 3}}\n' search
try 'selftest: {sqnr_db: {min: 3}}\n' selftest
try 'searhc: {met: true}\n' search
try 'search: {met: false}\n' search
try 'search: {float_layers: {max: 3, change: 2}}\n' search
try 'search: {float_macs: {max: 30}}\n' search
try 'search: {met: true}\n' selftest
try 'search: {met: true}\n' comparison
try 'search: {eval: {min: 1}}\n' search
$QNS gate $r/search.json --rules rules.yaml --baseline $r/comparison.json
