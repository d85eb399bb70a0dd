/usr/bin/python3 - <<'PY'
import struct
head = "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 1, 28, 28), }"
head += " " * ((64 - (10 + len(head) + 1) % 64) % 64) + "\n"
open("none.npy", "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode())
PY
$QNS quantize $FIXTURES/model.onnx -d none.npy -o q.onnx
