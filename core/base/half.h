/* SPDX-License-Identifier: MIT */
/* Short floats in software. IEEE half precision: rounding to nearest even, subnormals kept. */
#ifndef QNS_HALF_H
#define QNS_HALF_H

#include <stdint.h>

float qns_half_to_float(uint16_t h);
/* From 65520 on: infinity. */
uint16_t qns_float_to_half(float f);
/* bfloat16 is the upper half of a float. */
float qns_bfloat_to_float(uint16_t h);
/* Rounded towards zero; NaN stays NaN. */
uint16_t qns_float_to_bfloat(float f);

#endif
