# Change of every layer's SQNR in the order of execution, with its interval.
set encoding utf8
set terminal svg noenhanced size {{width}},{{height}} font "sans-serif,12"
set datafile missing "?"
$interval << EOD
{{#each layers}}{{i}} {{change}} {{low}} {{high}}
{{/each}}
EOD
$regressed << EOD
{{#each regressed}}{{i}} {{change}}
{{/each}}
EOD
$improved << EOD
{{#each improved}}{{i}} {{change}}
{{/each}}
EOD
set xrange [-0.8:{{end}}]
set yrange [{{lo}}:{{hi}}]
set ylabel "change of SQNR [dB]"
set border 3
set grid ytics lc rgb "gray"
set tics nomirror out scale 0.5
set xtics () rotate by 90 right offset 0,0 font ",10"
{{#each tick}}set xtics add ({{label}} {{i}})
{{/each}}
set key outside top center horizontal samplen 2
set bmargin {{bottom}}
plot 0 with lines lw 1 lc rgb "gray" notitle{{#each rule}}, \
     {{db}} with lines lw 1 dt 2 lc rgb "gray" notitle, \
     -{{db}} with lines lw 1 dt 2 lc rgb "gray" title "counts from {{db}} dB on"{{/each}}, \
     $interval using 1:2:3:4 with yerrorbars pt 7 ps 0.4 lw 1 lc rgb "#2563eb" title "change, 95 % interval"{{#each has_regressed}}, \
     $regressed using 1:2 with points pt 7 ps 0.8 lc rgb "#dc2626" title "regressed"{{/each}}{{#each has_improved}}, \
     $improved using 1:2 with points pt 7 ps 0.8 lc rgb "#15803d" title "improved"{{/each}}
