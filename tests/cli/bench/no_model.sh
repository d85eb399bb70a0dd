$QNS bench model
