#!/bin/sh
# SPDX-License-Identifier: MIT
# House rules that a program can check. Prints every breach; exit code 1 if there is one.
#
#     usage: tools/dev/check_house.sh layers|style|names|headers
set -u
cd "$(dirname "$0")/../.."
sources() { find kernels core ns reports tools -name '*.[ch]' | sort; }
everything() { find kernels core ns reports tools tests -name '*.[ch]' | sort; }
bad=0
say() { echo "$1"; bad=1; }

case ${1:-} in
layers)
    awk -f tools/dev/check_layers.awk $(sources) || bad=1
    ;;
style)
    for f in $(everything); do
        [ "$(wc -l <"$f")" -le 500 ] || say "$f: more than 500 lines"
        head -n 1 "$f" | grep -q 'SPDX-License-Identifier: MIT' || say "$f: no SPDX line"
        tail -c 1 "$f" | od -An -c | grep -q '\\n' || say "$f: no newline at the end"
        # Columns are characters, not bytes; a // inside a string (a URL) is no comment.
        awk -v f="$f" '
            length($0) > 100 { printf "%s:%d: more than 100 columns\n", f, FNR; bad = 1 }
            /\t/ { printf "%s:%d: tab\n", f, FNR; bad = 1 }
            /[ ]$/ { printf "%s:%d: blank at the end\n", f, FNR; bad = 1 }
            /^[ ]*\/\/|; *\/\/ |\{ *\/\/ / { printf "%s:%d: // comment\n", f, FNR; bad = 1 }
            /TO[D]O|FIX[M]E|XX[X]/ { printf "%s:%d: unfinished mark\n", f, FNR; bad = 1 }
            END { exit bad }' "$f" || bad=1
    done
    ;;
names)
    # A name in a message is enough to open the file.
    twice=$(everything | xargs -n 1 basename | sort | uniq -d)
    [ -z "$twice" ] || say "file names that are not unique: $twice"
    for d in kernels core/base core/graph core/float core/ops core/exec core/model core/quant ns ns/compare reports; do
        [ -f "$d/README.md" ] || say "$d/README.md is missing"
    done
    ;;
headers)
    # Every header compiles alone.
    for f in $(find kernels core ns reports tools -name '*.h' | sort); do
        echo "#include \"$f\"" | ${CC:-cc} -std=c11 -D_DEFAULT_SOURCE -D_POSIX_C_SOURCE=200809L -I. \
            -I"${2:-build/check}/generated" $(pkg-config --cflags hdf5 2>/dev/null) -fsyntax-only -x c - \
            || say "$f does not compile alone"
    done
    ;;
*)
    echo "usage: tools/dev/check_house.sh layers|style|names|headers [BUILD_FOLDER]" >&2
    exit 64
    ;;
esac
exit $bad
