#!/bin/sh
# SPDX-License-Identifier: MIT
# The capture format as the head comment of ns/h5_layout.h defines it, for docs/captures.md.
#
#     usage: tools/dev/format_doc.sh           prints the text
#            tools/dev/format_doc.sh check     fails when docs/captures.md says something else
set -eu
cd "$(dirname "$0")/../.."
text() { awk '/^\/\* The capture file/ { on = 1 } on { line = $0; sub(/^(\/\*| \*) ?/, "", line); last = sub(/ ?\*\/$/, "", line); print line } on && last { exit }' ns/h5_layout.h; }
case ${1:-} in
check) awk '/^```text$/ { on = 1; next } /^```$/ { on = 0 } on' docs/captures.md | { text | diff -u - /dev/fd/3; } 3<&0 ;;
*) text ;;
esac
