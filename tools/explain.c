/* SPDX-License-Identifier: MIT */
#include "tools/explain.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A long name keeps both ends: the end tells more about an ONNX name than the start. */
static const char *fit(char out[], size_t width, const char *s)
{
    const size_t n = strlen(s), tail = (width - 2) * 2 / 3, head = width - 2 - tail;
    if (n <= width)
        return s;
    snprintf(out, width + 1, "%.*s..%s", (int)head, s, s + n - tail);
    return out;
}

static bool known(qns_range r)
{
    return r.lo <= r.hi;
}

static qns_status print_row(void *ctx, const qns_explain_row *r, qns_err *err)
{
    char name[40], range[40] = "", code[48] = "", line[24] = "";
    (void)ctx;
    (void)err;
    if (known(r->range))
        snprintf(range, sizeof range, "%.4g .. %.4g", (double)r->range.lo, (double)r->range.hi);
    if (r->scale > 0 && r->channels > 1)
        snprintf(code, sizeof code, "%d channels", r->channels);
    else if (r->scale > 0)
        snprintf(code, sizeof code, "%.5g, %d", r->scale, r->zero);
    if (r->line)
        snprintf(line, sizeof line, " (line %u)", r->line);
    printf("%-30s %-8s %-18s %s\n", fit(name, 30, r->value), qns_choice_text(r->choice), range,
           code);
    printf("    %s%s%s%s\n", r->why, line, r->observer ? "; observer " : "",
           r->observer ? r->observer : "");
    return QNS_OK;
}

qns_status qns_explain_print(const qns_decisions *d, qns_err *err)
{
    printf("%-30s %-8s %-18s %s\n", "value", "choice", "range", "scale, zero point");
    return qns_decisions_explain(d, print_row, NULL, err);
}

static qns_status add_row(void *ctx, const qns_explain_row *r, qns_err *err)
{
    json_t *j = json_pack("{s:s, s:s?, s:s?, s:s, s:s, s:s?}", "value", r->value, "node", r->node,
                          "op", r->op, "choice", qns_choice_text(r->choice), "why", r->why,
                          "observer", r->observer);
    if (!j)
        QNS_FAIL(err, NOMEM, "cannot make the decision table");
    if (r->line)
        json_object_set_new(j, "line", json_integer((json_int_t)r->line));
    if (known(r->range))
        json_object_set_new(j, "range",
                            json_pack("[f, f]", (double)r->range.lo, (double)r->range.hi));
    if (r->scale > 0) {
        json_object_set_new(j, "scale", json_real(r->scale));
        json_object_set_new(j, "zero_point", json_integer(r->zero));
        json_object_set_new(j, "channels", json_integer(r->channels));
    }
    json_array_append_new(ctx, j);
    return QNS_OK;
}

qns_status qns_explain_json(json_t *array, const qns_decisions *d, qns_err *err)
{
    return qns_decisions_explain(d, add_row, array, err);
}
