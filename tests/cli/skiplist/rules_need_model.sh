echo 'rules: []' > q.yaml
$QNS skiplist q.yaml --to qns
