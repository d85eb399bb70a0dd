/* SPDX-License-Identifier: MIT */
/* Runs one operator of the library: infer, choose, prepare, run. */
#include "golden_op.h"

#include "core/base/mem.h"
#include "kernels/cpu.h"
#include "kernels/kernels.h"

#include <omp.h>

static bool turns(const gd_op *r, const qns_tensor *t)
{
    return r->layout == QNS_CHLAST && t->shape.rank >= 3 && t->shape.rank <= 5;
}

static void lay(qns_tensor *in, qns_tensor *out, gd *c, const gd_op *r)
{
    for (uint32_t i = 0; i < r->n_in; i++) {
        in[i] = r->in[i];
        if (in[i].dtype == QNS_DTYPE_COUNT || (r->constants >> i & 1) || !turns(r, &in[i]))
            continue;
        in[i].data = gd_mem(c, qns_tensor_bytes(&in[i]), 1);
        in[i].layout = QNS_CHLAST;
        qns_tensor_relayout(in[i].data, QNS_CHLAST, &r->in[i]);
    }
    if (r->out_qp) {
        out->qp = r->out_qp;
        out->dtype = r->out_qp->dtype;
    }
    out->layout = turns(r, out) ? QNS_CHLAST : QNS_ROW;
}

/* Runs and gives the output in row-major order. */
static void run_once(void *to, gd *c, const qns_impl *impl, qns_call *call, unsigned mask,
                     int threads)
{
    qk_table k;
    qns_err err = {0};
    qk_table_init(&k, mask);
    omp_set_num_threads(threads);
    call->k = &k;
    call->packed = NULL;
    call->out[0].data = gd_mem(c, qns_tensor_bytes(&call->out[0]), 1);
    if (impl->prepare)
        gd_ok(c, impl->prepare(&call->packed, call, c->arena, &err), &err, impl->name);
    call->scratch = gd_mem(c, impl->scratch_size ? impl->scratch_size(call) : 1, 1);
    impl->run(call);
    if (impl->release)
        impl->release(call->packed);
    qns_tensor_relayout(to, QNS_ROW, &call->out[0]);
}

static void run_all_ways(qns_tensor *out, gd *c, const qns_impl *impl, qns_call *call)
{
    static const struct {
        unsigned mask;
        int threads;
    } way[] = {{~0u, 2}, {0, 1}, {QK_CPU_AVX2, 3}};
    const size_t size = qns_tensor_bytes(&call->out[0]);
    out->data = gd_mem(c, size, 1);
    run_once(out->data, c, impl, call, way[0].mask, way[0].threads);
    for (size_t i = 1; i < QNS_ARRAY_LEN(way); i++) {
        void *again = gd_mem(c, size, 1);
        run_once(again, c, impl, call, way[i].mask, way[i].threads);
        if (memcmp(again, out->data, size) != 0)
            gd_fail(c, "%s: other bits with %s and %d threads", impl->name,
                    qk_cpu_text(way[i].mask), way[i].threads);
    }
}

bool gd_op_try(qns_tensor *result, gd *c, gd_op *r)
{
    const qns_op *op = qns_op_find(r->op);
    qns_tensor in[QNS_ARRAY_LEN(r->in)], out[QNS_MAX_OUT] = {0};
    qns_err err = {0};
    qk_table k;
    if (!op) {
        r->why = gd_name(c, "there is no operator '%s'", r->op);
        return false;
    }
    const qns_node n = {.op = op,
                        .name = "node",
                        .attr = r->attr,
                        .clamp = r->clamp ? *r->clamp : QNS_NO_CLAMP,
                        .n_in = r->n_in,
                        .n_out = 1};
    gd_ok(c, op->infer(out, &n, r->in, &err), &err, r->op);
    lay(in, out, c, r);
    qk_table_init(&k, 0);
    qns_call call = {.node = &n,
                     .be = qns_backend_find(r->be ? r->be : "fbgemm"),
                     .k = &k,
                     .engine = QNS_ENGINE_REFERENCE,
                     .in = in,
                     .out = out};
    const qns_impl *impl = qns_impl_select(&r->why, &call, NULL, NULL);
    if (!impl)
        return false;
    r->impl = impl->name;
    *result = out[0];
    result->layout = QNS_ROW;
    run_all_ways(result, c, impl, &call);
    return true;
}

void gd_op_check(gd *c, gd_op *r, const char *field)
{
    qns_tensor out;
    if (gd_op_try(&out, c, r))
        gd_same_tensor(c, field, &out, r->impl);
    else
        gd_fail(c, "%s: no implementation of '%s': %s", field, r->op, r->why);
}
