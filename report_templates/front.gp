# The accuracy/cost front of a search.
set encoding utf8
set terminal svg noenhanced size 1060,420 font "sans-serif,12"
set datafile missing "?"
$trials << EOD
{{#each trials}}{{x}} {{y}}
{{/each}}
EOD
$front << EOD
{{#each front}}{{x}} {{y}}
{{/each}}
EOD
$answer << EOD
{{#each answer}}{{x}} {{y}}
{{/each}}
EOD
set xrange [-2:102]
set offsets 0, 0, graph 0.05, graph 0.05
set xlabel {{cost}}
set ylabel {{metric}}
set border 3
set grid lc rgb "gray"
set tics nomirror out scale 0.5
set key outside top center horizontal samplen 2
plot {{limit}} with lines dt 2 lw 1 lc rgb "#dc2626" title "target", \
     $trials using 1:2 with points pt 7 ps 0.5 lc rgb "gray" title "trial", \
     $front using 1:2 with linespoints pt 7 ps 0.7 lw 2 lc rgb "#2563eb" title "front", \
     $answer using 1:2 with points pt 6 ps 1.6 lw 2 lc rgb "#15803d" title "answer"
