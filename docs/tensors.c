/* SPDX-License-Identifier: MIT */
/* Quantized tensors by the names of PyTorch's functions (core/ops/tensor_quantize.h).
 *
 *     cc tensors.c $(pkg-config --cflags --libs qns) -o tensors && ./tensors */
#include <qns.h>
#include <stdio.h>

int main(void)
{
    float weight[] = {0.1f, -0.5f, 2.0f, 1.0f};
    const qns_tensor w = {.dtype = QNS_F32, .shape = {2, {2, 2}}, .data = weight};
    const double scales[] = {0.5 / 127, 2.0 / 127}; /* one for each row */
    const int32_t zeros[] = {0, 0};
    qns_err err = {0};
    qns_arena *a;
    qns_tensor q, back;
    if (qns_arena_create(&a, &err) != QNS_OK ||
        qns_quantize_per_channel(&q, a, &w, scales, zeros, 0, QNS_I8, &err) != QNS_OK ||
        qns_dequantize(&back, a, &q, &err) != QNS_OK)
        return fprintf(stderr, "%s\n", err.text), 1;
    const int8_t *codes = qns_int_repr(&q).data;
    for (size_t i = 0; i < qns_tensor_count(&q); i++)
        printf("%4d * %.6f = %8.5f (was %8.5f)\n", codes[i],
               qns_q_per_channel_scales(&q)[i / 2], (double)qns_cf32(&back)[i], (double)weight[i]);
    if (qns_quantize_per_tensor(&q, a, &w, 0.02, 25, QNS_U8, &err) != QNS_OK)
        return fprintf(stderr, "%s\n", err.text), 1;
    printf("scale %g, zero point %d\n", qns_q_scale(&q), qns_q_zero_point(&q));
    qns_arena_free(a);
    return 0;
}
