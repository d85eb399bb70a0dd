/* SPDX-License-Identifier: MIT */
/* What the machine can do: its name, and the peaks that loops of kernels/peak reach. */
#include "core/base/mem.h"
#include "kernels/cpu.h"
#include "tools/bench.h"
#include "tools/ui.h"

#include <math.h>
#include <omp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

qns_bench_stat qns_bench_stat_of(double *x, size_t n)
{
    qsort(x, n, sizeof *x, by_value);
    return (qns_bench_stat){.median = (x[(n - 1) / 2] + x[n / 2]) / 2,
                            .lo = x[(n - 1) / 10],
                            .hi = x[(n - 1) - (n - 1) / 10],
                            .min = x[0],
                            .n = n};
}

json_t *qns_bench_stat_json(const qns_bench_stat *s)
{
    return json_pack("{s:f, s:f, s:f, s:f, s:I}", "median", s->median, "lo", s->lo, "hi", s->hi,
                     "min", s->min, "runs", (json_int_t)s->n);
}

int qns_bench_cores(void)
{
    return omp_get_num_procs();
}

/* Seconds of `rounds` rounds on all threads at once: the slowest one counts. */
static double timed(const qk_peak *p, size_t rounds, int threads)
{
    double longest = 0;
#pragma omp parallel num_threads(threads) reduction(max : longest)
    {
#pragma omp barrier
        const double start = qns_ui_now();
        p->run(rounds);
        longest = qns_ui_now() - start;
    }
    return longest;
}

/* Seconds of a loop: short, to be near to what is measured; long enough for the few microseconds
 * that processors take to get wide registers going. */
#define READING 3e-4

qns_bench_gauge qns_bench_gauge_make(int threads, unsigned cpu_mask)
{
    qns_bench_gauge g = {.threads = threads};
    const unsigned have = cpu_mask & qk_cpu_detect();
    size_t n;
    const qk_peak *p = qk_peaks(&n);
    for (size_t i = 0; i < n; i++)
        if ((p[i].cpu & have) == p[i].cpu)
            g.loop[p[i].cpu & QK_CPU_AMX ? 2 : p[i].kind == QK_PEAK_INT8 ? 1 : 0] = &p[i];
    for (int i = 0; i < 3; i++) {
        if (!g.loop[i])
            continue;
        g.rounds[i] = 256;
        /* The shorter of two: one may have been interrupted. */
        while (fmin(timed(g.loop[i], g.rounds[i], threads),
                    timed(g.loop[i], g.rounds[i], threads)) < READING)
            g.rounds[i] *= 2;
    }
    return g;
}

qns_bench_peak qns_bench_gauge_read(const qns_bench_gauge *g)
{
    double rate[3] = {0};
    for (int i = 0; i < 3; i++)
        if (g->loop[i])
            rate[i] = g->loop[i]->ops * (double)g->rounds[i] * g->threads /
                      timed(g->loop[i], g->rounds[i], g->threads);
    return (qns_bench_peak){.threads = g->threads,
                            .f32 = rate[0],
                            .int8 = rate[1],
                            .int8_tiles = rate[2],
                            .int8_name = g->loop[1] ? g->loop[1]->name : NULL,
                            .tiles_name = g->loop[2] ? g->loop[2]->name : NULL};
}

qns_bench_peak qns_bench_peak_max(const qns_bench_peak *a, const qns_bench_peak *b)
{
    qns_bench_peak out = *b;
    out.f32 = fmax(a->f32, b->f32);
    out.int8 = fmax(a->int8, b->int8);
    out.int8_tiles = fmax(a->int8_tiles, b->int8_tiles);
    return out;
}

static size_t cache_size(int which, size_t otherwise)
{
    const long n = sysconf(which);
    return n > 0 ? (size_t)n : otherwise;
}

size_t qns_bench_l2_size(void)
{
    return cache_size(_SC_LEVEL2_CACHE_SIZE, (size_t)1 << 20) / 2 / 4096 * 4096;
}

size_t qns_bench_dram_size(void)
{
    const size_t want = 2 * cache_size(_SC_LEVEL3_CACHE_SIZE, (size_t)64 << 20);
    const size_t most = (size_t)512 << 20; /* read in a circle, more than any slice of a cache */
    return (want < most ? want : most) / 4096 * 4096;
}

qns_status qns_bench_read_rate(double *rate, size_t size, unsigned cpu_mask, qns_err *err)
{
    char *block = qns_malloc64(size);
    uint64_t sum = 0;
    double best = 0;
    if (!block)
        QNS_FAIL(err, NOMEM, "cannot get %zu bytes to read", size);
    memset(block, 1, size);
    const size_t passes = size < (size_t)64 << 20 ? ((size_t)64 << 20) / size : 1;
    for (int i = 0; i < (passes > 1 ? 6 : 3); i++) {
        const double start = qns_ui_now();
        for (size_t k = 0; k < passes; k++)
            sum += qk_peak_read(block, size, cpu_mask);
        const double r = (double)size * (double)passes / (qns_ui_now() - start);
        if (r > best)
            best = r;
    }
    volatile uint64_t sink = sum;
    (void)sink;
    qns_free(block);
    *rate = best;
    return QNS_OK;
}

static void cpu_name(char out[64])
{
    char line[256];
    FILE *f = fopen("/proc/cpuinfo", "r");
    snprintf(out, 64, "unknown processor");
    while (f && fgets(line, sizeof line, f)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        snprintf(out, 64, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    if (f)
        fclose(f);
}

void qns_bench_machine_text(char *out, size_t size, unsigned cpu_mask)
{
    char cpu[64];
    const int cores = qns_bench_cores();
    cpu_name(cpu);
    snprintf(out, size, "%s, %d core%s, %s", cpu, cores, cores == 1 ? "" : "s",
             qk_cpu_text(qk_cpu_detect() & cpu_mask));
}

json_t *qns_bench_machine_json(unsigned cpu_mask)
{
    char cpu[64];
    cpu_name(cpu);
    return json_pack("{s:s, s:i, s:s, s:s}", "cpu", cpu, "cores", qns_bench_cores(), "isa",
                     qk_cpu_text(qk_cpu_detect() & cpu_mask), "qns", QNS_VERSION_TEXT);
}

json_t *qns_bench_peak_json(const qns_bench_peak *p)
{
    json_t *j = json_pack("{s:i, s:f, s:f, s:s?}", "threads", p->threads, "f32", p->f32, "int8",
                          p->int8, "int8_loop", p->int8_name);
    if (p->tiles_name) {
        json_object_set_new(j, "int8_tiles", json_real(p->int8_tiles));
        json_object_set_new(j, "int8_tiles_loop", json_string(p->tiles_name));
    }
    return j;
}

const char *qns_bench_percent(char out[16], double share)
{
    if (share > 0)
        snprintf(out, 16, "%.1f", 100 * share);
    else
        snprintf(out, 16, "-");
    return out;
}

json_t *qns_bench_share_json(double share)
{
    return share > 0 ? json_real(share) : json_null();
}

void qns_bench_print_machine(const qns_bench_peak *peak, size_t n, unsigned cpu_mask)
{
    char text[160];
    qns_bench_machine_text(text, sizeof text, cpu_mask);
    printf("%.80s\n", text);
    for (size_t i = 0; i < n; i++) {
        const qns_bench_peak *p = &peak[i];
        if (!p->int8_name)
            continue;
        printf("peak, %d thread%s: f32 %.0f GFLOP/s, int8 %.0f GOP/s (%s)", p->threads,
               p->threads == 1 ? "" : "s", p->f32 / 1e9, p->int8 / 1e9, p->int8_name);
        if (p->tiles_name)
            printf(", AMX %.0f", p->int8_tiles / 1e9);
        printf("\n");
    }
}

void qns_bench_finish_json(const char *benchmark, json_t *results, bool good, unsigned cpu_mask)
{
    if (results && good) {
        json_t *j = json_pack("{s:s, s:o, s:O}", "benchmark", benchmark, "machine",
                              qns_bench_machine_json(cpu_mask), "results", results);
        json_dumpf(j, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
        printf("\n");
        json_decref(j);
    }
    json_decref(results);
}
