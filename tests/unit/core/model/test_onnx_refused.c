/* SPDX-License-Identifier: MIT */
/* What the reader refuses, and that the message names the culprit and what would be right. */
#include "tests/unit/core/model/onnx_build.h"

static build b;

static void start(void)
{
    b_open(&b, 13);
    b_input(&b, "x", B_TYPE(FLOAT), B_DIMS(1, 3));
    b_output(&b, "y");
}

static void stop(void)
{
    b_close(&b);
}

TestSuite(onnx_refused, .init = start, .fini = stop);

Test(onnx_refused, opsets)
{
    static const int64_t bad[] = {0, 23, -1, INT64_MAX};
    b_node(&b, "Relu", "r", "x", "y");
    for (size_t i = 0; i < QNS_ARRAY_LEN(bad); i++) {
        b.opset[0].version = bad[i];
        b_refused(&b, NULL, QNS_E_UNSUPPORTED, "1 to 22 are supported", "reading '/tmp/x.onnx'");
    }
    b.opset[0].version = 23;
    b_refused(&b, NULL, QNS_E_UNSUPPORTED, "opset 23 of ai.onnx", "");
    b.m.n_opset_import = 0;
    b_refused(&b, NULL, QNS_E_FORMAT, "does not say its ai.onnx opset", "");
    b_opset(&b, "", 9);
    b_opset(&b, "ai.onnx", 10);
    b_refused(&b, NULL, QNS_E_FORMAT, "given twice: 9 and 10", "");
}

Test(onnx_refused, all_unsupported_operators_at_once)
{
    b_node(&b, "Foo", "first_foo", "x", "a");
    b_node(&b, "Foo", "", "a", "c");
    b_node(&b, "Bar", "", "c", "d");
    b_node(&b, "Foo", "", "d", "e");
    b_node(&b, "QLinearFoo", "qa", "e", "y")->domain = b_text(&b, "com.microsoft");
    b_refused(&b, NULL, QNS_E_UNSUPPORTED,
              "unsupported operators in opset 13: Foo (3 nodes, first 'first_foo'), "
              "Bar (1 node, first 'd'), com.microsoft:QLinearFoo (1 node, first 'qa')",
              "reading '/tmp/x.onnx'");
}

Test(onnx_refused, an_operator_that_needs_a_newer_opset)
{
    b.opset[0].version = 7;
    b_node(&b, "DequantizeLinear", "dq", "x,x", "y");
    b_refused(&b, NULL, QNS_E_UNSUPPORTED,
              "unsupported operator in opset 7: DequantizeLinear (1 node, first 'dq'; "
              "needs opset 10)",
              "");
}

Test(onnx_refused, an_attribute_nobody_knows)
{
    b_int(&b, b_node(&b, "Relu", "r", "x", "y"), "turbo", 1);
    b_refused(&b, NULL, QNS_E_UNSUPPORTED, "attribute 'turbo' is not supported",
              "node 'r' (Relu, opset 13)");
}

Test(onnx_refused, a_subgraph_attribute)
{
    Onnx__GraphProto inner = ONNX__GRAPH_PROTO__INIT;
    Onnx__NodeProto *n = b_node(&b, "Relu", "r", "x", "y");
    b_attr(&b, n, "body", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH)->g = &inner;
    b_refused(&b, NULL, QNS_E_UNSUPPORTED, "attribute 'body'", "node 'r' (Relu, opset 13)");
}

Test(onnx_refused, attributes_of_functions_and_doubled_ones)
{
    Onnx__NodeProto *n = b_node(&b, "Softmax", "s", "x", "y");
    b_int(&b, n, "axis", 1);
    n->attribute[0]->ref_attr_name = b_text(&b, "outer");
    b_refused(&b, NULL, QNS_E_UNSUPPORTED, "attribute 'axis' refers to 'outer'", "node 's'");
    n->attribute[0]->ref_attr_name = NULL;
    b_int(&b, n, "axis", 1);
    b_refused(&b, NULL, QNS_E_FORMAT, "attribute 'axis' is given twice", "node 's'");
    n->n_attribute = 1;
    n->attribute[0]->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING;
    b_refused(&b, NULL, QNS_E_FORMAT, "attribute 'axis' is a text", "node 's'");
}

Test(onnx_refused, axes_without_a_size)
{
    b_node(&b, "Relu", "r", "x", "y");
    b.in[0] = b_value(&b, "x", B_TYPE(FLOAT), B_DIMS(-1, 3, -1));
    b_refused(&b, NULL, QNS_E_CONFIG,
              "axis 2 ('D2') of input 'x' has no size; give it one with --dim 'D2=SIZE'", "");
    b.in[0] = b_value(&b, "x", B_TYPE(FLOAT), B_DIMS(1, 0));
    b_refused(&b, NULL, QNS_E_CONFIG, "--dim 'x.1=SIZE'", "");
}

Test(onnx_refused, options_that_fit_nothing)
{
    b_node(&b, "Relu", "r", "x", "y");
    const char *dim[] = {"H=3"};
    const qns_onnx_opts o = {.dim = dim, .n_dim = 1};
    b_refused(&b, &o, QNS_E_NOTFOUND, "'H=3' names no open axis of an input; open axes: none", "");
    b.in[0] = b_value(&b, "x", B_TYPE(FLOAT), B_DIMS(-1, -1));
    b_refused(&b, &o, QNS_E_NOTFOUND, "open axes: 'D0', 'D1'", "");
    static const char *const bad[] = {"H",    "=3",  "H=",   "H=0",
                                      "H=-4", "H=x", "H=3x", "H=99999999999999999999"};
    for (size_t i = 0; i < QNS_ARRAY_LEN(bad); i++) {
        dim[0] = bad[i];
        b_refused(&b, &o, QNS_E_CONFIG, "write name=number", "");
    }
}

Test(onnx_refused, inputs_that_are_no_plain_tensors)
{
    b_node(&b, "Relu", "r", "x", "y");
    b.in[0]->type->tensor_type->shape = NULL;
    b_refused(&b, NULL, QNS_E_UNSUPPORTED, "input 'x' has no shape", "");
    b.in[0]->type = NULL;
    b_refused(&b, NULL, QNS_E_UNSUPPORTED, "input 'x' is not a tensor", "");
    b.in[0] = b_value(&b, "x", B_TYPE(STRING), B_DIMS(1));
    b_refused(&b, NULL, QNS_E_UNSUPPORTED, "input 'x' has data type string (8)", "");
    b.in[0] = b_value(&b, "x", 99, B_DIMS(1));
    b_refused(&b, NULL, QNS_E_UNSUPPORTED, "data type unknown (99)", "");
    b.in[0] = b_value(&b, "x", B_TYPE(FLOAT), B_DIMS(1, 1, 1, 1, 1, 1, 1, 1, 1));
    b_refused(&b, NULL, QNS_E_UNSUPPORTED, "input 'x' has 9 axes; 8 are supported", "");
    b.in[0] = b_value(&b, "x", B_TYPE(FLOAT), B_DIMS(INT64_MAX, INT64_MAX));
    b_refused(&b, NULL, QNS_E_SHAPE, "", "input 'x'");
}

Test(onnx_refused, names_that_do_not_fit_together)
{
    b_node(&b, "Relu", "r", "nothing", "y");
    b_refused(&b, NULL, QNS_E_FORMAT, "input 'nothing' is made by no node", "node 'r' (Relu");
    b.node[0]->input[0] = b_text(&b, "y");
    b_refused(&b, NULL, QNS_E_FORMAT, "nodes form a cycle: 'r' needs its own result 'y'", "");
    b.node[0]->input[0] = b_text(&b, "x");
    b_node(&b, "Relu", "s", "x", "y");
    b_refused(&b, NULL, QNS_E_FORMAT, "value 'y' is made twice: by node 'r' and by node 's'", "");
    b.node[1]->output[0] = b_text(&b, "x");
    b_refused(&b, NULL, QNS_E_FORMAT, "value 'x' is defined twice: as an input and by node 's'",
              "");
    b.g.n_node = 1;
    b.in[b.g.n_input++] = b.in[0];
    b_refused(&b, NULL, QNS_E_FORMAT, "value 'x' is defined twice", "");
}

Test(onnx_refused, graphs_without_the_necessary)
{
    b_node(&b, "Relu", "r", "x", "z");
    b_refused(&b, NULL, QNS_E_FORMAT, "output 'y' of the graph is made by no node", "");
    b.g.n_output = 0;
    b_refused(&b, NULL, QNS_E_FORMAT, "the graph has no outputs", "");
    b.node[0]->op_type = NULL;
    b_refused(&b, NULL, QNS_E_FORMAT, "node 'r' has no operator type", "");
    b.m.graph = NULL;
    b_refused(&b, NULL, QNS_E_FORMAT, "'/tmp/x.onnx' is not an ONNX model: it has no graph", "");
}

Test(onnx_refused, sparse_initializers)
{
    Onnx__SparseTensorProto s = ONNX__SPARSE_TENSOR_PROTO__INIT, *list = &s;
    s.values = b_tensor(&b, "sp", B_TYPE(FLOAT), 0, NULL);
    b.g.sparse_initializer = &list;
    b.g.n_sparse_initializer = 1;
    b_node(&b, "Relu", "r", "x", "y");
    b_refused(&b, NULL, QNS_E_UNSUPPORTED, "initializer 'sp' is sparse", "");
}

Test(onnx_refused, too_many_inputs_and_missing_ones)
{
    char list[300] = "x";
    for (int i = 0; i < 64; i++)
        strcat(list, ",x");
    b_int(&b, b_node(&b, "Concat", "c", list, "y"), "axis", 0);
    b_refused(&b, NULL, QNS_E_UNSUPPORTED, "has 65 inputs; 64 are supported", "node 'c'");
    b.g.n_node = 0;
    b_node(&b, "Add", "a", "x", "y");
    b_refused(&b, NULL, QNS_E_FORMAT, "has 1 inputs; add takes 2", "node 'a'");
    b.g.n_node = 0;
    b_node(&b, "Add", "a", ",x", "y");
    b_refused(&b, NULL, QNS_E_FORMAT, "input 0 is missing", "node 'a'");
}
