$QNS selftest
