# Float and int8 values of one layer in the same bins, with what the codes reach.
set encoding utf8
set terminal svg noenhanced size 560,300 font "sans-serif,12"
$bins << EOD
{{#each bins}}{{x}} {{ref}} {{test}}
{{/each}}
EOD
set xrange [{{lo}}:{{hi}}]
set yrange [0.8:*]
set logscale y
set format y "%.0s%c"
set ylabel "values [count, log]"
set xlabel "value of the output"
set border 3
set grid ytics lc rgb "gray"
set tics nomirror out scale 0.5
set xtics autofreq
set key outside top center horizontal samplen 2
{{#each reach}}set arrow from first {{x}}, graph 0 to first {{x}}, graph 1 nohead lw 1.5 dt 2 lc rgb "#ea580c"
{{/each}}
set style fill solid 0.3 noborder
plot $bins using 1:($2 > 0 ? $2 : 0.8) with fillsteps lc rgb "#64748b" title "float", \
     $bins using 1:($3 > 0 ? $3 : 0.8) with steps lw 1.5 lc rgb "#2563eb" title "int8", \
     1/0 with lines dt 2 lw 1.5 lc rgb "#ea580c" title "reach of the codes"
