#!/bin/sh
# SPDX-License-Identifier: MIT
# Opens pages in headless Chromium. Skips (77) when it or node is missing.
#
#     usage: browser.sh MAKE_REPORT [FOLDER]     FOLDER keeps the pages and their pictures
set -eu
here=$(cd "$(dirname "$0")" && pwd)
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$chromium" ] || ! command -v node >/dev/null; then
    echo "skipped: the page is not tested, chromium or node is not installed"
    exit 77
fi
work=${2:-}
if [ -z "$work" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
mkdir -p "$work"
"$1" html "$work/plain.html" plain
"$1" html "$work/hostile.html" hostile
GNUPLOT='' DOT='' "$1" html "$work/nocharts.html" hostile 2>/dev/null
"$1" html "$work/many.html" plain 220
node "$here/browser.js" "$chromium" "$work"
