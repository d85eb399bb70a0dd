$QNS bench kernels 'gem_u8s8'
