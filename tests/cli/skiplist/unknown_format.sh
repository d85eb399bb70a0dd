echo '{}' > r.json
$QNS skiplist r.json --to tflit
