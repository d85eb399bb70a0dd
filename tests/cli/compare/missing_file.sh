$QNS compare nothing.h5 nothing.h5
