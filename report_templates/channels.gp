# Range of every weight channel, and what its codes reach.
set encoding utf8
set terminal svg noenhanced size {{width}},300 font "sans-serif,12"
set datafile missing "?"
$channels << EOD
{{#each channels}}{{i}} {{lo}} {{hi}} {{reach_lo}} {{reach_hi}}
{{/each}}
EOD
set xrange [-1:{{end}}]
set xlabel "output channel"
set ylabel "weight value"
set border 3
set grid ytics lc rgb "gray"
set tics nomirror out scale 0.5
set xzeroaxis lc rgb "gray"
set key outside top center horizontal samplen 2
set style fill solid 0.35 noborder
plot $channels using 1:2:($1-0.42):($1+0.42):2:3 with boxxyerror lc rgb "#64748b" title "float range", \
     $channels using ($1-0.5):5 with steps lw 1.5 lc rgb "#ea580c" title "reach of the codes", \
     $channels using ($1-0.5):4 with steps lw 1.5 lc rgb "#ea580c" notitle
