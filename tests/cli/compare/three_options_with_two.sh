$QNS compare f.h5 q.h5 --fdr 0.1
