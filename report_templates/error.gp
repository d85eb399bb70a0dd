# How error grows with depth: in parts of the signal, and in quantization steps.
set encoding utf8
set terminal svg noenhanced size {{width}},{{height}} font "sans-serif,12"
set datafile missing "?"
$layers << EOD
{{#each layers}}{{i}} {{noise}} {{steps}}
{{/each}}
EOD
set xrange [-0.8:{{end}}]
set border 3
set grid ytics lc rgb "gray"
set tics nomirror out scale 0.5
set logscale y
set lmargin 11
set rmargin 3
unset key
set multiplot layout 2,1
set tmargin 2
set bmargin 1.5
set format x ""
set format y "%g"
set title "noise in percent of the signal (RMS)"
set ylabel "noise [%]"
plot $layers using 1:2 with linespoints pt 7 ps 0.35 lw 2 lc rgb "#2563eb"
set bmargin 3.5
set format x "%g"
set title "RMS error in quantization steps; the dashed line is ideal rounding, 0.289"
set ylabel "error [steps]"
set xlabel "layer, in the order of execution"
plot 0.28868 with lines dt 2 lw 1 lc rgb "#15803d", \
     $layers using 1:3 with linespoints pt 7 ps 0.35 lw 2 lc rgb "#ea580c"
unset multiplot
