# Killed in the middle, the search goes on where it was: no trial is judged twice but the one that was lost.
cat > judge.sh <<'J'
cksum < "$1" >> models
[ "$(grep -c . models)" != 5 ] || { kill -9 "$(cat pid)"; sleep 60; }
stat -c %s "$1"
J
size=$(stat -c %s $FIXTURES/model.onnx)
look() { exec $QNS search $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 60 --target "eval>=$((size * 2 / 3))" --eval-cmd 'sh judge.sh {model}' --strategy greedy --cost layers -o q.yaml "$@"; }
(echo $BASHPID > pid; look --quiet)
[ $? = 137 ] || { echo "not killed"; exit 1; }
[ "$(grep -c '"eval":' q.yaml.jsonl)" = 4 ] || { cat q.yaml.jsonl; exit 1; }
(look --json > s.json)
code=$?
[ "$(sort models | uniq -d | grep -c .)" -le 1 ] || { echo "judged twice"; sort models | uniq -c; exit 1; }
/usr/bin/python3 -c '
import json
s = json.load(open("s.json"))
assert s["from_log"] == 4 + 12, s["from_log"]
assert s["met"] and len(s["skip"]) > 1'
exit $?
