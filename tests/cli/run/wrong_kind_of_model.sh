$QNS run $FIXTURES/eval_images.npy -d $FIXTURES/eval.yaml
