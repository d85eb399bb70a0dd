# SQNR of every layer in the order of execution.
set encoding utf8
set terminal svg noenhanced size {{width}},{{height}} font "sans-serif,12"
set datafile missing "?"
$layers << EOD
{{#each layers}}{{i}} {{weight}} {{activation}} {{local}}
{{/each}}
EOD
$exact << EOD
{{#each exact}}{{i}} {{y}}
{{/each}}
EOD
$bad << EOD
{{#each bad}}{{i}} {{y}}
{{/each}}
EOD
set xrange [-0.8:{{end}}]
set yrange [{{lo}}:{{hi}}]
set ylabel "SQNR [dB]"
set border 3
set grid ytics lc rgb "gray"
set tics nomirror out scale 0.5
set xtics () rotate by 90 right offset 0,0 font ",10"
{{#each tick}}set xtics add ({{label}} {{i}})
{{/each}}
set key outside top center horizontal samplen 2
set bmargin {{bottom}}
plot {{watch}} with lines lw 1 dt 2 lc rgb "#b45309" title "watch, below {{watch}} dB", \
     {{limit}} with lines lw 1 dt 2 lc rgb "#dc2626" title "bad, below {{limit}} dB", \
     $layers using 1:2 with points pt 13 ps 0.6 lc rgb "#7c3aed" title "weight, alone", \
     $layers using 1:3 with linespoints pt 7 ps 0.4 lw 2 lc rgb "#2563eb" title "output, cumulative"{{#each has_local}}, \
     $layers using 1:4 with linespoints pt 5 ps 0.4 lw 1 lc rgb "#0f766e" title "output, local"{{/each}}{{#each has_bad}}, \
     $bad using 1:2 with points pt 6 ps 0.9 lw 2 lc rgb "#dc2626" title "bad"{{/each}}{{#each has_exact}}, \
     $exact using 1:2 with points pt 9 ps 0.7 lc rgb "#15803d" title "exact"{{/each}}
