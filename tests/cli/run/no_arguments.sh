$QNS run
