$QNS search $FIXTURES/model.onnx -d $FIXTURES/eval.yaml --limit 60 --target 'eval>=2' --eval-cmd 'true {model}' --eval-timeout 0.5 -o q.yaml
code=$?
[ ! -e q.yaml ] && grep -q identity q.yaml.jsonl || exit 70
exit $code
