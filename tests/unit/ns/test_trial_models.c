/* SPDX-License-Identifier: MIT */
/* Trials of real networks, with concats and adds whose observers depend on what is skipped, in
 * several backends: random sets give what files give. */
#include "tests/unit/ns/trial_help.h"

#include <unistd.h>

enum { SAMPLES = 2, CALIB = 4 };
#define MODELS QNS_SHARED_DIR "/models/"
#define YAML   QNS_SOURCE_DIR "/tests/e2e/models/"

static void check(const char *name, const char *calib, const char *eval, const char *backend,
                  const char *preset, int n_sets)
{
    qns_err err;
    net x = {0};
    bool in_float[MAX_UNITS];
    char model[512];
    uint32_t random = 99;
    snprintf(model, sizeof model, MODELS "%s.onnx", name);
    if (access(model, R_OK) != 0)
        cr_skip_test("no shared models beside the checkout");
    make_folder();
    net_open(&x, model, calib, eval, CALIB, SAMPLES);
    OK(qns_qconfig_create(&x.set, qns_backend_find(backend), preset, &err));
    const qns_trials_spec s = spec_of(&x);
    OK(qns_trials_create(&x.trials, &s, &err));
    for (int k = 0; k < n_sets; k++) {
        qns_trial_score score;
        make_set(in_float, qns_trials_n(x.trials), k, &random);
        quantize(&x, in_folder("long.onnx"), in_float);
        OK(qns_trials_run(&score, x.trials, in_float, 0, SAMPLES, false, &err));
        const qns_trial_score want = long_way(&x, in_folder("long.onnx"), 0, SAMPLES);
        same_score(&score, &want, name);
    }
    net_close(&x);
    drop_folder();
}

#define CLASSIFIER(test, name, backend, preset, n_sets)                                            \
    Test(trial_models, test)                                                                       \
    {                                                                                              \
        check(name, YAML name ".calib.yaml", YAML name ".eval.yaml", backend, preset, n_sets);     \
    }

CLASSIFIER(squeezenet, "squeezenet1.1", "fbgemm", NULL, 6)
CLASSIFIER(resnet20, "resnet20_cifar10", "qnnpack", NULL, 6)
CLASSIFIER(mobilenet_per_tensor, "mobilenet_v1_0.75_224", "fbgemm", "default_qconfig", 4)
CLASSIFIER(dscnn, "dscnn_kws12", "onnxruntime", NULL, 6)
