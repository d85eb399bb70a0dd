#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs a document: every ```sh block, and every command of a comment  <!-- test: COMMAND -->. Before that the
# text of the last block of any kind lies in block.<kind> (block.yaml, block.python). All of it happens in
# one scratch folder that holds the fixture network and its data, with qns on the PATH.
#
#     usage: run_docs.sh DOCUMENT.md QNS SOURCE_FOLDER
set -eu
doc=$1 qns=$2 source=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/bin" "$scratch/run"
ln -s "$qns" "$scratch/bin/qns"
cp "$source"/fixtures/fashion/*.npy "$source"/fixtures/fashion/*.yaml "$source"/fixtures/fashion/model.onnx "$scratch/run/"
export PATH="$scratch/bin:$PATH" SOURCE="$source"
awk -v q="'" '
    /^```/ && !inside { kind = substr($0, 4); inside = 1; n = 0; next }
    /^```/ && inside {
        inside = 0
        printf "cat > block.%s <<" q "END_OF_BLOCK" q "\n", (kind == "" ? "text" : kind)
        for (i = 1; i <= n; i++) print line[i]
        print "END_OF_BLOCK"
        if (kind == "sh") { print "echo \"--- block at line " FNR "\""; for (i = 1; i <= n; i++) print line[i] }
        next
    }
    inside { line[++n] = $0; next }
    /<!-- test: .* -->/ { cmd = $0; sub(/.*<!-- test: /, "", cmd); sub(/ -->.*/, "", cmd); print "echo \"--- " FILENAME ":" FNR "\""; print cmd }
' "$doc" >"$scratch/script"
[ -s "$scratch/script" ] || { echo "nothing to run in $doc"; exit 1; }
cd "$scratch/run"
exec bash -eu "$scratch/script"
