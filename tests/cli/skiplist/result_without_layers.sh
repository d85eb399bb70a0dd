echo '{"qns": "0.1.0", "kind": "comparison", "layers": []}' > r.json
$QNS skiplist r.json --to qns
