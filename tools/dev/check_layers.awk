# usage: awk -f check_layers.awk FILE...
# Every #include "dir/file.h" must name the file's own layer or a lower one, and a library's header may
# be included only where ARCHITECTURE.md says.
BEGIN {
    n = split("kernels core/base core/graph core/float core/ops core/exec core/model core/quant core/train ns/compare ns reports tools", layer, " ")
}
function rank(path,   i, best) { # the longest matching folder wins: ns/compare before ns
    best = 0
    for (i = 1; i <= n; i++)
        if (index(path, layer[i] "/") == 1 && (!best || length(layer[i]) > length(layer[best]))) best = i
    return best
}
function refuse(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; bad = 1 }
FNR == 1 { me = rank(FILENAME) }
/^#include "/ {
    split($0, q, "\""); them = rank(q[2])
    if (me && them > me) refuse(layer[me] " may not include " q[2])
    if (me == 1 && them != 1) refuse("kernels/ includes nothing of QNS but itself")
    if (q[2] !~ /\// && q[2] !~ /^qns_version.h$/ && q[2] != "qns.h") refuse("includes are written from the root: " q[2])
    if (q[2] ~ /^onnx\// && FILENAME !~ /^core\/model\/onnx_/) refuse("protobuf-c stays in core/model/onnx_*")
}
/^#include <hdf5/ && FILENAME !~ /^(ns\/h5_|core\/model\/h5_)/ { refuse("only h5_* files may see HDF5") }
/^#include <(oneapi\/dnnl\/)?dnnl/ && FILENAME !~ /^core\/float\// { refuse("oneDNN stays in core/float") }
/^#include <yaml/ && FILENAME != "core/base/yaml.c" { refuse("libyaml stays in core/base/yaml.c") }
END { exit bad }
