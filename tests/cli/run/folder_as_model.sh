$QNS run . -d $FIXTURES/eval.yaml
