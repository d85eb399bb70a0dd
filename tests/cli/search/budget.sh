set -e
look() { $QNS search $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 60 --target 'output-sqnr>=30' -o q.yaml --json "$@" > s.json; }
look --budget 5
/usr/bin/python3 -c '
import json
s = json.load(open("s.json"))
assert s["end"] == "budget" and s["runs"] == 5 and s["met"] and len(s["skip"]) > 0'
$QNS report s.json | grep -q 'the budget ended the search after 5 runs'
look --budget 0.000001s
/usr/bin/python3 -c '
import json
s = json.load(open("s.json"))
assert s["end"] == "budget" and s["from_log"] == 5'
look
/usr/bin/python3 -c '
import json
s = json.load(open("s.json"))
assert s["end"] == "done" and s["from_log"] == 5'
