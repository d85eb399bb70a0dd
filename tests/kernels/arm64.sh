#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the kernels for arm64 and runs their checks under qemu-user, on a processor with every
# extension and on one with none. Skips (77) where the cross compiler or qemu is missing.
#
#     usage: arm64.sh SOURCE BUILD
set -eu
source=$1 build=$2
for tool in aarch64-linux-gnu-gcc qemu-aarch64; do
    command -v $tool >/dev/null || { echo "SKIP: $tool is not installed (tools/deps cross)"; exit 77; }
done
cmake -S "$source" --preset arm64 -B "$build" >/dev/null
cmake --build "$build" >"$build/build.log" 2>&1 || { cat "$build/build.log"; exit 1; }
for cpu in max cortex-a53; do
    echo "qemu-aarch64 -cpu $cpu"
    qemu-aarch64 -cpu $cpu "$build/tests/kernels/check_kernels" >"$build/run.log" 2>&1 || { cat "$build/run.log"; exit 1; }
    sed -n '1p;$p' "$build/run.log"
done
