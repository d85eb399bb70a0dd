set -e
for c in $($QNS help --list); do
    $QNS help $c > text
    awk -v c=$c 'length($0) > 80 { print c ": more than 80 columns: " $0; exit 1 }' text
done
$QNS help > text
awk 'length($0) > 80 { print "overview: " $0; exit 1 }' text
