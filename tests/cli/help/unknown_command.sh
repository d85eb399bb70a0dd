$QNS comprae
