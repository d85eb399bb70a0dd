/* SPDX-License-Identifier: MIT */
#include "core/ops/op_reshape.h"
#include "op_run.h"

typedef struct row {
    qns_reshape_attr a;
    qns_shape in, want; /* rank -1: must fail */
} row;

static const row rows[] = {
    {{QNS_RESHAPE, 2, 0, {0, -1}}, {4, {2, 3, 4, 5}}, {2, {2, 60}}},
    {{QNS_RESHAPE, 2, 0, {0, -1}}, {4, {7, 3, 4, 5}}, {2, {7, 60}}},
    {{QNS_RESHAPE, 3, 0, {4, 5, 6}}, {4, {2, 3, 4, 5}}, {3, {4, 5, 6}}},
    {{QNS_RESHAPE, 2, 0, {4, 5}}, {4, {2, 3, 4, 5}}, {-1, {0}}},
    {{QNS_RESHAPE, 2, 0, {7, -1}}, {4, {2, 3, 4, 5}}, {-1, {0}}},
    {{QNS_RESHAPE, 2, 0, {-1, -1}}, {4, {2, 3, 4, 5}}, {-1, {0}}},
    {{QNS_RESHAPE, 2, 0, {-2, 60}}, {4, {2, 3, 4, 5}}, {-1, {0}}},
    {{QNS_RESHAPE, 2, 0, {1, 0}}, {1, {5}}, {-1, {0}}},
    {{QNS_RESHAPE, 2, 1, {0, 3}}, {2, {0, 7}}, {2, {0, 3}}},
    {{QNS_RESHAPE, 2, 0, {0, -1}}, {2, {0, 7}}, {2, {0, 0}}},
    {{QNS_RESHAPE, 0, 0, {0}}, {2, {1, 1}}, {0, {0}}},
    {{QNS_RESHAPE, 3, 0, {INT64_MAX, INT64_MAX, 4}}, {1, {4}}, {-1, {0}}},
    {{QNS_FLATTEN, 1, 0, {1}}, {4, {2, 3, 4, 5}}, {2, {2, 60}}},
    {{QNS_FLATTEN, 1, 0, {0}}, {4, {2, 3, 4, 5}}, {2, {1, 120}}},
    {{QNS_FLATTEN, 1, 0, {4}}, {4, {2, 3, 4, 5}}, {2, {120, 1}}},
    {{QNS_FLATTEN, 1, 0, {-1}}, {4, {2, 3, 4, 5}}, {2, {24, 5}}},
    {{QNS_FLATTEN, 1, 0, {5}}, {4, {2, 3, 4, 5}}, {-1, {0}}},
    {{QNS_SQUEEZE, 0, 0, {0}}, {4, {1, 3, 1, 5}}, {2, {3, 5}}},
    {{QNS_SQUEEZE, 1, 0, {-2}}, {4, {1, 3, 1, 5}}, {3, {1, 3, 5}}},
    {{QNS_SQUEEZE, 1, 0, {1}}, {4, {1, 3, 1, 5}}, {-1, {0}}},
    {{QNS_SQUEEZE, 2, 0, {0, -4}}, {4, {1, 3, 1, 5}}, {-1, {0}}},
    {{QNS_UNSQUEEZE, 2, 0, {0, -1}}, {2, {3, 5}}, {4, {1, 3, 5, 1}}},
    {{QNS_UNSQUEEZE, 1, 0, {4}}, {2, {3, 5}}, {-1, {0}}},
    {{QNS_UNSQUEEZE, 7, 0, {0, 1, 2, 3, 4, 5, 6}}, {2, {3, 5}}, {-1, {0}}},
};

Test(op_reshape, shapes_and_elements)
{
    for (size_t i = 0; i < QNS_ARRAY_LEN(rows); i++) {
        qns_rng rng;
        qns_rng_seed(&rng, i);
        op_run r = {.op = "reshape", .attr = &rows[i].a, .n_in = 1};
        r.in[0] = op_random(&r, &rng, rows[i].in, -1, 1);
        const bool ok = op_execute(&r);
        cr_expect_eq(ok, rows[i].want.rank >= 0, "row %zu: %s", i, r.err.text);
        if (ok && rows[i].want.rank >= 0) {
            cr_expect(qns_shape_equal(&r.out[0].shape, &rows[i].want), "row %zu: %s", i,
                      qns_shape_str(&r.out[0].shape).s);
            cr_expect_arr_eq(r.out[0].data, r.in[0].data, qns_tensor_bytes(&r.in[0]));
        } else {
            cr_expect_eq(r.st, QNS_E_SHAPE);
        }
        op_finish(&r);
    }
}

Test(op_reshape, codes_keep_their_qparams)
{
    qns_rng rng;
    qns_rng_seed(&rng, 5);
    const qns_reshape_attr a = {QNS_FLATTEN, 1, 0, {1}};
    op_run r = {.op = "reshape", .attr = &a, .n_in = 1};
    r.in[0] = op_codes(&r, &rng, op_shape(3, 2, 3, 4, 0), op_qp(&r, QNS_U8, 0.5, 3));
    cr_assert(op_execute(&r));
    cr_expect_eq(r.out[0].qp, r.in[0].qp);
    r.out_qp = op_qp(&r, QNS_U8, 0.25, 3);
    r.want_refusal = true;
    cr_expect_not(op_execute(&r));
    op_finish(&r);
}
