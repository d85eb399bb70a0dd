set -e
# Layers with names that try to break out of every format.
/usr/bin/python3 - <<'PY'
import json
names = ["]]>&<failure a='b' c=\"d\">", "a\nb\x1b[31m\x00c", "\ufffe\uffff\u202e", "::error::x%0Ay,z:",
         "|a`b`*c*<img src=x>@you", "\u5c42/\u5377", "</testcase>", "../../etc", "same", "same", "x" * 3000]
layers = [{"name": n, "op": "conv", "index": i, "activation": {"sqnr_db": 5.0 + i}} for i, n in enumerate(n.replace("\x00", "") for n in names)]
json.dump({"qns": "0.1.0", "kind": "comparison", "samples": 3, "layers": layers, "output": {"sqnr_db": 4}}, open("r.json", "w"))
PY
printf 'layers:\n  - name: "*"\n    activation: {sqnr_db: {min: 8}, cosine: {min: 0.9, optional: true}}\noutput: {sqnr_db: {min: 4}}\n' > gate.yaml
$QNS gate r.json --rules gate.yaml --junit j.xml --sarif s.sarif --markdown m.md -o g.json --github > text && exit 1
test $($QNS gate r.json --rules gate.yaml --json | wc -c) = $(wc -c < g.json)
/usr/bin/python3 - <<'PY'
import json, re, xml.etree.ElementTree as ET
g = json.load(open("g.json"))
assert (g["checks_made"], g["checks_failed"], g["checks_skipped"]) == (23, 3, 11), g["headline"]
root = ET.parse("j.xml").getroot()
cases = root.findall("./testsuite/testcase")
assert len(cases) == int(root.get("tests")) == 23
assert len(root.findall(".//failure")) == int(root.get("failures")) == 3
assert len(root.findall(".//skipped")) == int(root.get("skipped")) == 11
assert len({c.get("name") for c in cases}) == 23, "two cases of one name"
assert cases[0].get("name").startswith("]]>&<failure a='b' c=\"d\"> "), cases[0].get("name")
s = json.load(open("s.sarif"))
run = s["runs"][0]
assert s["version"] == "2.1.0" and len(run["results"]) == 3
assert all(r["message"]["text"] and r["locations"][0]["physicalLocation"]["region"]["startLine"] == 3 for r in run["results"])
assert len({r["partialFingerprints"]["qnsCheck/v1"] for r in run["results"]}) == 3
rows = [l for l in open("m.md", encoding="utf-8") if l.startswith("| failed")]
assert len(rows) == 3 and all(len(re.findall(r"(?<!\\)\|", l)) == 6 for l in rows), rows
notes = [l for l in open("text", encoding="utf-8") if l.startswith("::")]
assert len(notes) == 3 and all(l.startswith("::error file=gate.yaml,line=3,title=") for l in notes), notes
PY
