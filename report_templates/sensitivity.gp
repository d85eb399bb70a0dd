# What every layer alone does to the output: only it in int8, and only it in float.
set encoding utf8
set terminal svg noenhanced size {{width}},{{height}} font "sans-serif,12"
set datafile missing "?"
$layers << EOD
{{#each layers}}{{i}} {{noise}} {{gain}}
{{/each}}
EOD
set xrange [-0.8:{{end}}]
set border 3
set grid ytics lc rgb "gray"
set tics nomirror out scale 0.5
set lmargin 11
set rmargin 3
set boxwidth 0.7
set style fill solid 0.9 noborder
unset key
set multiplot layout 2,1
set tmargin 2
set bmargin 1
set format x ""
set format y "%g"
set logscale y
set yrange [{{floor}}:*]
set title "only this layer in int8: noise at the output in percent of the signal (RMS)"
set ylabel "noise [%]"
plot $layers using 1:2 with boxes lc rgb "#dc2626"
unset logscale y
set yrange [*:*]
set bmargin {{bottom}}
set title "only this layer in float: what the output of the int8 network gains"
set ylabel "gain [dB]"
set xtics () rotate by 90 right offset 0,0 font ",10"
{{#each tick}}set xtics add ({{label}} {{i}})
{{/each}}
plot 0 with lines lw 1 lc rgb "gray", $layers using 1:3 with boxes lc rgb "#2563eb"
unset multiplot
