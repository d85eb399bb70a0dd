echo "{}" > r.json
$QNS skiplist r.json --to qns --worst 2 --verdict bad
