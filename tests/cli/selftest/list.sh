$QNS selftest --list
