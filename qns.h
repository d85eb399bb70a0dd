/* SPDX-License-Identifier: MIT */
/* Everything a program that uses libqns needs. docs/example.c is a complete one. */
#ifndef QNS_H
#define QNS_H

#include "core/base/log.h"
#include "core/base/status.h"
#include "core/exec/plan.h"
#include "core/graph/graph.h"
#include "core/model/onnx_read.h"
#include "core/model/onnx_write.h"
#include "core/model/source.h"
#include "core/ops/embedding.h"
#include "core/ops/rnn_dynamic.h"
#include "core/ops/tensor_quantize.h"
#include "core/quant/fuse.h"
#include "core/quant/lower.h"
#include "core/quant/model.h"
#include "core/quant/quantize_model.h"
#include "core/quant/weight_dynamic.h"
#include "core/train/fused_moving_avg.h"
#include "core/train/lsq.h"
#include "ns/accuracy.h"
#include "ns/capture.h"
#include "ns/compare.h"
#include "ns/result.h"
#include "reports/gate.h"
#include "reports/gate_render.h"
#include "reports/gate_yaml.h"
#include "reports/render.h"
#include "reports/result_json.h"

#endif
