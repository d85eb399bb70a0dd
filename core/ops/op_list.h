/* SPDX-License-Identifier: MIT */
/* The only list of operators. X(name) stands for `const qns_op qns_op_name` in op_name.c. */
#ifndef QNS_OP_LIST_H
#define QNS_OP_LIST_H

#define QNS_OP_LIST(X)                                                                             \
    X(quantize)                                                                                    \
    X(dequantize)                                                                                  \
    X(clamp)                                                                                       \
    X(identity)                                                                                    \
    X(conv)                                                                                        \
    X(linear)                                                                                      \
    X(linear_dynamic)                                                                              \
    X(rnn_dynamic)                                                                                 \
    X(embedding_bag)                                                                               \
    X(matmul)                                                                                      \
    X(conv_integer)                                                                                \
    X(matmul_integer)                                                                              \
    X(dynamic_quantize)                                                                            \
    X(batchnorm)                                                                                   \
    X(conv_transpose)                                                                              \
    X(layer_norm)                                                                                  \
    X(group_norm)                                                                                  \
    X(instance_norm)                                                                               \
    X(add)                                                                                         \
    X(mul)                                                                                         \
    X(sub)                                                                                         \
    X(div)                                                                                         \
    X(maxpool)                                                                                     \
    X(avgpool)                                                                                     \
    X(adaptive_avgpool)                                                                            \
    X(global_avgpool)                                                                              \
    X(global_maxpool)                                                                              \
    X(resize)                                                                                      \
    X(mean)                                                                                        \
    X(concat)                                                                                      \
    X(reshape)                                                                                     \
    X(softmax)                                                                                     \
    X(log_softmax)                                                                                 \
    X(sigmoid)                                                                                     \
    X(tanh)                                                                                        \
    X(hardsigmoid)                                                                                 \
    X(hardswish)                                                                                   \
    X(leaky_relu)                                                                                  \
    X(elu)                                                                                         \
    X(erf)                                                                                         \
    X(transpose)                                                                                   \
    X(slice)                                                                                       \
    X(pad)                                                                                         \
    X(split)                                                                                       \
    X(expand)                                                                                      \
    X(gather)                                                                                      \
    X(cast)                                                                                        \
    X(constant_of_shape)                                                                           \
    X(math)                                                                                        \
    X(logic)                                                                                       \
    X(pow)                                                                                         \
    X(mod)                                                                                         \
    X(where)                                                                                       \
    X(compare)                                                                                     \
    X(combine)                                                                                     \
    X(reduce)                                                                                      \
    X(scatter_nd)                                                                                  \
    X(lstm)                                                                                        \
    X(gru)                                                                                         \
    X(rnn)                                                                                         \
    X(argmax)                                                                                      \
    X(gather_elements)                                                                             \
    X(scatter_elements)

#endif
