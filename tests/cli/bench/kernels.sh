set -e
$QNS bench kernels 'dwconv*' minmax_f32 --runs 2 > table
awk 'length($0) > 80 { print "more than 80 columns: " $0; exit 1 }' table
grep -q '^minmax_f32 .* scalar .* GB/s' table
$QNS bench kernels --runs 2 --isa scalar --json > r.json
/usr/bin/python3 - <<'PY'
import json, re
r = json.load(open("r.json"))["results"]
names = [x["kernel"] for x in r]
assert len(names) == len(set(names)) > 10 and {x["isa"] for x in r} == {"scalar"}
assert all(x["seconds"]["median"] > 0 for x in r)
assert all((x["peak_share"] is None) == (x["ops"] > 0) for x in r)  # plain C has no peak for arithmetic
PY
