#!/bin/sh
# other_seed.sh GOLDEN DIR: generates other vectors with DIR/gen_goldens.py and checks them.
# Exit code 77, with a message, when they cannot be generated here.
golden=$1 dir=$2 python=/usr/bin/python3
skip() { echo "skipped: $1"; exit 77; }
[ -r "$dir/gen_goldens.py" ] || skip "there is no '$dir/gen_goldens.py'"
"$python" -c 'import numpy, torch, sys
sys.exit("qnnpack" not in torch.backends.quantized.supported_engines)' 2>/dev/null ||
    skip "$python has no torch with qnnpack"
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
"$python" "$dir/gen_goldens.py" "$tmp" 77 1 >"$tmp/log" || { cat "$tmp/log"; exit 1; }
"$golden" "$tmp"
