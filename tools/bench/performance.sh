#!/bin/bash
# SPDX-License-Identifier: MIT
# Measures everything that docs/performance.md tells, and writes it. Takes a quarter of an hour on an idle machine.
#
#     usage: tools/bench/performance.sh [STEP...]
#
# STEP is one of build, networks, kernels, layers, model, flows, memory, peers, document; without one all are done in this
# order. Results lie in build/bench/results, so that one step can be repeated. PREFIX, if it is set, stands in front of
# every command that measures (PREFIX="taskset -c 2,3").
set -eu
cd "$(dirname "$0")/../.."
nets=build/bench/networks results=build/bench/results qns=build/release/qns
networks="resnet50 resnet18 mobilenet_v2"
mkdir -p "$nets" "$results"

# The output of a measuring command into a file, which is there only if the command was good.
measure() {
    local out=$results/$1
    shift
    echo "$*" >&2
    cut -d' ' -f1 /proc/loadavg >>"$results/load.txt"
    # shellcheck disable=SC2086
    ${PREFIX:-} "$@" >"$out.part"
    mv "$out.part" "$out"
}

build() {
    tools/deps build bench
    cmake --preset release >/dev/null
    cmake --build --preset release >/dev/null
}

networks() {
    /usr/bin/python3 tools/bench/networks.py "$nets"
    for n in $networks; do
        "$qns" quantize "$nets/$n.onnx" -d "$nets/calib.npy" --limit 8 -o "$nets/$n.int8.onnx" --quiet
    done
    "$qns" quantize "$nets/resnet50.onnx" -d "$nets/calib.npy" --limit 8 --backend qnnpack \
        -o "$nets/resnet50.qnnpack.onnx" --quiet
}

kernels() { measure kernels.json "$qns" bench kernels --json --quiet; }

layers() {
    measure layers.json "$qns" bench layers "$nets/resnet50.int8.onnx" -j 1 --isa vnni --json --quiet
    measure layers_avx2.json "$qns" bench layers "$nets/resnet50.int8.onnx" -j 1 --isa avx2 --json --quiet
}

model() {
    for n in $networks; do
        measure "model_$n.json" "$qns" bench model "$nets/$n.onnx" "$nets/$n.int8.onnx" --json --quiet
    done
    measure threads_vnni.json "$qns" bench model "$nets/resnet50.int8.onnx" --isa vnni --json --quiet
    measure backends.json "$qns" bench model "$nets/resnet50.int8.onnx" "$nets/resnet50.qnnpack.onnx" --json --quiet
}

flows() {
    local f=$nets/resnet50.onnx q=$nets/resnet50.int8.onnx d=$nets/eval.npy
    measure capture.json "$qns" bench capture "$f" "$q" -d "$d" --limit 32 --runs 5 -j 2 --folder "$nets" --json --quiet
    measure compare.json "$qns" bench compare "$f" "$q" -d "$d" --limit 8 --runs 5 -j 1 --folder "$nets" --json --quiet
    for t in 1 2; do
        measure "shadow_$t.json" "$qns" bench shadow "$f" "$q" -d "$d" --limit 16 --runs 5 -j $t --json --quiet
        measure "calibrate_$t.json" "$qns" bench calibrate "$f" -d "$d" --limit 16 --runs 5 -j $t --json --quiet
    done
}

# Each command in a process of its own.
memory() {
    local f=$nets/resnet50.onnx q=$nets/resnet50.int8.onnx d=$nets/eval.npy
    measure memory_capture.json "$qns" bench memory --json capture "$f" -d "$d" -o "$nets/float.h5" --quiet
    "$qns" capture "$q" -d "$d" -o "$nets/quant.h5" --quiet
    measure memory_compare.json "$qns" bench memory --json compare "$nets/float.h5" "$nets/quant.h5" --quiet
    rm "$nets/float.h5" "$nets/quant.h5"
    measure memory_shadow.json "$qns" bench memory --json shadow "$f" "$q" -d "$d" --quiet
    measure memory_calibrate.json "$qns" bench memory --json quantize "$f" -d "$d" -o "$nets/again.onnx" --quiet
    rm "$nets/again.onnx"
}

peers() {
    for n in $networks; do
        for kind in fp32 int8; do
            for t in 1 2; do
                measure "peers_${n}_${kind}_$t.txt" /usr/bin/python3 tools/bench/peers/peers.py "$nets" --qns "$qns" \
                    --network "$n" --kind "$kind" --threads "$t" --rounds "${ROUNDS:-20}" \
                    --json "$results/peers_${n}_${kind}_$t.json"
            done
        done
    done
}

document() { /usr/bin/python3 tools/bench/performance.py "$results" docs/performance.md; }

if [ $# = 0 ]; then
    rm -f "$results"/*
    set -- build networks kernels layers model flows memory peers document
fi
for step in "$@"; do
    case $step in
    build | networks | kernels | layers | model | flows | memory | peers | document) "$step" ;;
    *)
        echo "performance.sh: no step '$step'; there are build, networks, kernels, layers, model, flows, memory, peers, document" >&2
        exit 64
        ;;
    esac
done
