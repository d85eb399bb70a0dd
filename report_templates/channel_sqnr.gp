# SQNR of every weight channel.
set encoding utf8
set terminal svg noenhanced size {{width}},260 font "sans-serif,12"
set datafile missing "?"
$channels << EOD
{{#each channels}}{{i}} {{db}}
{{/each}}
EOD
set xrange [-1:{{end}}]
set yrange [{{low}}:*]
set xlabel "output channel"
set ylabel "SQNR [dB]"
set border 3
set grid ytics lc rgb "gray"
set tics nomirror out scale 0.5
set boxwidth 0.8
set key outside top center horizontal samplen 2
set style fill solid 0.5 noborder
plot $channels using 1:2 with boxes lc rgb "#7c3aed" title "weight", \
     {{limit}} with lines dt 2 lw 1 lc rgb "#dc2626" title "bad, below {{limit}} dB"
