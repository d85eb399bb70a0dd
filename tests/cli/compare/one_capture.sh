$QNS compare a.h5
