# Error of one layer against the float value at which it was made.
set encoding utf8
set terminal svg noenhanced size 560,300 font "sans-serif,12"
set datafile missing "?"
$bins << EOD
{{#each bins}}{{x}} {{rms}} {{mean}}
{{/each}}
EOD
set xrange [{{lo}}:{{hi}}]
set ylabel {{unit}}
set xlabel "float value of the output"
set border 3
set grid ytics lc rgb "gray"
set tics nomirror out scale 0.5
set xtics autofreq
set xzeroaxis lc rgb "gray"
set key outside top center horizontal samplen 2
{{#each reach}}set arrow from first {{x}}, graph 0 to first {{x}}, graph 1 nohead lw 1.5 dt 2 lc rgb "#ea580c"
{{/each}}
plot $bins using 1:2 with points pt 7 ps 0.3 lc rgb "#2563eb" title "RMS error", \
     $bins using 1:3 with points pt 6 ps 0.3 lc rgb "#7c3aed" title "mean error", \
{{#each ideal}}     {{y}} with lines dt 2 lw 1 lc rgb "#15803d" title "ideal rounding", \
{{/each}}     1/0 with lines dt 2 lw 1.5 lc rgb "#ea580c" title "reach of the codes"
