#!/bin/sh
# SPDX-License-Identifier: MIT
# What cmake --install gives is complete: the documented C program compiles against the installed copy with
# pkg-config alone and does its job; man page, completion and documents are there.
#
#     usage: test_install.sh BUILD_FOLDER SOURCE_FOLDER
set -eu
build=$1 source=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cmake --install "$build" --prefix "$tmp/usr" >/dev/null
export PKG_CONFIG_PATH="$(dirname "$(find "$tmp/usr" -name qns.pc)")"
cp "$source/docs/example.c" "$tmp/"
cd "$tmp"
# The installed copy, not the source tree: no -I but pkg-config's.
# shellcheck disable=SC2046
cc -std=c11 -Wall -Wextra -Werror ${CFLAGS:-} example.c $(pkg-config --cflags --libs qns) -o example
./example "$source/fixtures/fashion/model.onnx" "$source/fixtures/fashion/calib.yaml" "$source/fixtures/fashion/eval.yaml" >out
cat out
[ "$(grep -c ' dB  ' out)" = 3 ] || { echo "expected three layers"; exit 1; }
cp "$source/docs/tensors.c" .
# shellcheck disable=SC2046
cc -std=c11 -Wall -Wextra -Werror ${CFLAGS:-} tensors.c $(pkg-config --cflags --libs qns) -o tensors
./tensors >out
cat out
grep -q '^-127 \* 0.003937 = -0.50000 (was -0.50000)$' out && grep -q '^scale 0.02, zero point 25$' out
./usr/bin/qns version | grep -q '^qns '
for f in usr/share/man/man1/qns.1 usr/share/bash-completion/completions/qns; do
    [ -s "$f" ] || { echo "$f is missing"; exit 1; }
done
# Every command is in the man page; completion knows them all.
PATH=$tmp/usr/bin:$PATH
for c in $(qns help --list); do
    grep -q "qns $c" usr/share/man/man1/qns.1 || { echo "the man page does not mention 'qns $c'"; exit 1; }
done
bash -c '. usr/share/bash-completion/completions/qns; COMP_WORDS=(qns comp); COMP_CWORD=1; _qns; [ "${COMPREPLY[0]}" = compare ]'
bash -c '. usr/share/bash-completion/completions/qns; COMP_WORDS=(qns capture --lay); COMP_CWORD=2; _qns; [ "${COMPREPLY[0]}" = --layers ]'
