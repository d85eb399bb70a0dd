echo '{"qns": 1' > x.json
$QNS report x.json
