$QNS search $FIXTURES/model.onnx -d $FIXTURES/eval_images.npy --target 'top1-drop<=0.01' -o q.yaml
