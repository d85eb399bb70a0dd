/* SPDX-License-Identifier: MIT */
#include "core/model/onnx_wire.h"

#include <protobuf-c/protobuf-c.h>

/* Deep enough for 20 graphs within graphs; ordinary models need 6. */
enum { MAX_DEPTH = 64, WIRE_VARINT = 0, WIRE_8 = 1, WIRE_BYTES = 2, WIRE_4 = 5 };
/* What unpacking may take for structs, pointers and small blocks. */
#define MAX_MEMORY ((size_t)1 << 30)
/* Of one text, one list entry or one unknown field, on top of its bytes. */
enum { FIELD_COST = 64 };

typedef struct scan {
    const uint8_t *start, *at;
    size_t memory;
    qns_err *err;
} scan;

static size_t place(const scan *s)
{
    return (size_t)(s->at - s->start);
}

static qns_status varint(uint64_t *out, scan *s, const uint8_t *end)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (s->at == end)
            QNS_FAIL(s->err, FORMAT, "truncated at byte %zu, inside a number", place(s));
        const uint8_t b = *s->at++;
        if (shift < 64)
            v |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80)) {
            *out = v;
            return QNS_OK;
        }
    }
    QNS_FAIL(s->err, FORMAT, "a number at byte %zu does not end", place(s));
}

static qns_status skip(scan *s, const uint8_t *end, uint64_t n, const char *what)
{
    if (n > (size_t)(end - s->at))
        QNS_FAIL(s->err, FORMAT,
                 "truncated at byte %zu: field '%s' starts at byte %zu and needs %llu bytes",
                 (size_t)(end - s->start), what, place(s), (unsigned long long)n);
    s->at += n;
    return QNS_OK;
}

static qns_status spend(scan *s, size_t n)
{
    s->memory += n;
    if (s->memory > MAX_MEMORY)
        QNS_FAIL(s->err, FORMAT, "has too many parts: more than %zu MiB to hold them",
                 MAX_MEMORY >> 20);
    return QNS_OK;
}

/* A message that may be there once, but comes twice, would be merged: no writer does that, and the
 * merge is not worth trusting. All members of a oneof count as one. */
static qns_status once(uint64_t *seen, scan *s, const ProtobufCMessageDescriptor *type,
                       const ProtobufCFieldDescriptor *f)
{
    if (f->label == PROTOBUF_C_LABEL_REPEATED)
        return QNS_OK;
    const size_t i = f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF ? 63 : (size_t)(f - type->fields) % 63;
    if (*seen >> i & 1)
        QNS_FAIL(s->err, FORMAT, "field '%s' is given twice, at byte %zu", f->name, place(s));
    *seen |= (uint64_t)1 << i;
    return QNS_OK;
}

static qns_status message(scan *s, const ProtobufCMessageDescriptor *type, const uint8_t *end,
                          int depth);

static qns_status field(scan *s, uint64_t *seen, const ProtobufCMessageDescriptor *type,
                        const uint8_t *end, int depth)
{
    uint64_t tag, n;
    const size_t at = place(s);
    QNS_TRY(varint(&tag, s, end));
    if (tag >> 3 == 0 || tag > UINT32_MAX)
        QNS_FAIL(s->err, FORMAT, "no field starts at byte %zu", at);
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3));
    const char *name = f ? f->name : "unknown";
    QNS_TRY(spend(s, FIELD_COST));
    switch (tag & 7) {
    case WIRE_VARINT:
        return varint(&n, s, end);
    case WIRE_8:
        return skip(s, end, 8, name);
    case WIRE_4:
        return skip(s, end, 4, name);
    case WIRE_BYTES:
        break;
    default:
        QNS_FAIL(s->err, FORMAT, "no field starts at byte %zu", at);
    }
    QNS_TRY(varint(&n, s, end));
    const uint8_t *body = s->at;
    QNS_TRY(skip(s, end, n, name));
    if (!f || f->type != PROTOBUF_C_TYPE_MESSAGE)
        return QNS_OK;
    s->at = body;
    QNS_TRY(once(seen, s, type, f));
    return message(s, f->descriptor, body + n, depth + 1);
}

static qns_status message(scan *s, const ProtobufCMessageDescriptor *type, const uint8_t *end,
                          int depth)
{
    uint64_t seen = 0;
    if (depth > MAX_DEPTH)
        QNS_FAIL(s->err, FORMAT, "parts are nested more than %d deep at byte %zu", MAX_DEPTH,
                 place(s));
    QNS_TRY(spend(s, type->sizeof_message));
    while (s->at < end)
        QNS_TRY(field(s, &seen, type, end, depth));
    return QNS_OK;
}

qns_status qns_onnx_check_wire(const struct ProtobufCMessageDescriptor *type, const void *p,
                               size_t n, qns_err *err)
{
    scan s = {.start = p, .at = p, .err = err};
    return message(&s, type, s.start + n, 0);
}
