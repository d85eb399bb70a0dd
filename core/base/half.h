/* SPDX-License-Identifier: MIT */
/* IEEE half precision in software: rounding to nearest even, subnormals kept. */
#ifndef QNS_HALF_H
#define QNS_HALF_H

#include <stdint.h>

float qns_half_to_float(uint16_t h);
/* From 65520 on: infinity. */
uint16_t qns_float_to_half(float f);

#endif
