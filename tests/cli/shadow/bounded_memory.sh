set -e
$QNS quantize $FIXTURES/model.onnx -d $FIXTURES/calib.yaml -o q.onnx --quiet
# Many more samples take no more memory, whatever runs them. A capture may fill its queue on a busy
# machine, and need not with few samples: 32 MiB; the values of 1000 samples are 57 MiB in int8 and
# 223 MiB in float.
/usr/bin/python3 - "$QNS" "$FIXTURES" <<'PY'
import os
import shlex
import subprocess
import sys
qns, fixtures = shlex.split(sys.argv[1]), sys.argv[2]
# AddressSanitizer keeps what was freed, 256 MiB of it unless told otherwise.
os.environ["ASAN_OPTIONS"] = "quarantine_size_mb=4:thread_local_quarantine_size_kb=64"
model, data = fixtures + "/model.onnx", ["-d", fixtures + "/eval.yaml", "--quiet"]


def peak(args):
    p = subprocess.Popen(qns + args, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(p.pid, 0)
    assert os.waitstatus_to_exitcode(status) in (0, 1), args
    return usage.ru_maxrss


for name, args in {"shadow": ["shadow", model, "q.onnx", *data],
                   "calibration": ["quantize", model, *data, "-o", "c.onnx"],
                   "statistics": ["capture", model, *data, "--policy", "stats", "-o", "s.h5"],
                   "capture": ["capture", model, *data, "-o", "f.h5"],
                   "int8 capture": ["capture", "q.onnx", *data, "-o", "q.h5"]}.items():
    queue = 32 * 1024 if args[-1].endswith(".h5") else 0
    few, many = peak(args + ["--limit", "30"]), peak(args + ["--limit", "1000"])
    assert many < few + queue + 8 * 1024, f"{name}: {few} KiB for 30 samples, {many} KiB for 1000"
long = peak(["compare", "f.h5", "q.h5", "--quiet"])
for m, out in (model, "f.h5"), ("q.onnx", "q.h5"):
    peak(["capture", m, *data, "-o", out, "--limit", "30"])
short = peak(["compare", "f.h5", "q.h5", "--quiet"])
assert long < short + 8 * 1024, f"compare: {short} KiB for 30 samples, {long} KiB for 1000"
PY
