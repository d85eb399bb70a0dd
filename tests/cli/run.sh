#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs one command-line case and compares what it prints and returns.
#
#     usage: run.sh CASE.sh QNS SOURCE_FOLDER
#
# CASE.sh runs in a scratch folder with $QNS, $FIXTURES and $SHARED set. Beside it lie what is expected:
#   CASE.stdout.exact | CASE.stdout.glob    the whole output, byte for byte or as a shell pattern
#   CASE.stderr.exact | CASE.stderr.glob
#   CASE.exit                               exit code; 0 when the file is missing
# Without a file the stream is not looked at. A case that exits with 77 is skipped.
set -u
case=$1
export QNS=$2 FIXTURES=$3/fixtures/fashion SHARED=$3/../shared
base=${case%.sh}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
(cd "$scratch" && bash "$case") >"$scratch/.stdout" 2>"$scratch/.stderr" </dev/null
code=$?
[ $code = 77 ] && { cat "$scratch/.stdout"; exit 77; }
want=0
[ -f "$base.exit" ] && want=$(cat "$base.exit")
bad=0
[ "$code" = "$want" ] || { echo "exit code $code, expected $want"; bad=1; }
for stream in stdout stderr; do
    got=$(cat "$scratch/.$stream")
    if [ -f "$base.$stream.exact" ]; then
        diff -u "$base.$stream.exact" "$scratch/.$stream" || bad=1
    elif [ -f "$base.$stream.glob" ]; then
        # shellcheck disable=SC2053
        [[ $got == $(cat "$base.$stream.glob") ]] || { echo "$stream does not match $base.$stream.glob"; bad=1; }
    fi
done
if [ $bad = 1 ]; then
    echo "--- standard output"; cat "$scratch/.stdout"
    echo "--- standard error"; cat "$scratch/.stderr"
fi
exit $bad
