# Libraries from the system; tools/deps lists the Debian packages they come from.
find_package(PkgConfig REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS C)
find_package(Threads REQUIRED)
pkg_check_modules(HDF5 REQUIRED IMPORTED_TARGET hdf5)
pkg_check_modules(PROTOBUFC REQUIRED IMPORTED_TARGET libprotobuf-c)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(LIBZIP REQUIRED IMPORTED_TARGET libzip)
find_library(DNNL_LIBRARY dnnl REQUIRED)
find_program(PROTOC_C protoc-c REQUIRED)
find_path(ONNX_PROTO_DIR onnx/onnx.proto REQUIRED)

# The ONNX message classes are generated from the installed onnx.proto, never committed.
set(QNS_GENERATED ${CMAKE_BINARY_DIR}/generated)
set(ONNX_PB_C ${QNS_GENERATED}/onnx/onnx.pb-c.c)
set(ONNX_PB_H ${QNS_GENERATED}/onnx/onnx.pb-c.h)
file(MAKE_DIRECTORY ${QNS_GENERATED}/onnx)
add_custom_command(OUTPUT ${ONNX_PB_C} ${ONNX_PB_H}
    COMMAND ${PROTOC_C} --c_out=${QNS_GENERATED} -I${ONNX_PROTO_DIR} onnx/onnx.proto
    DEPENDS ${ONNX_PROTO_DIR}/onnx/onnx.proto
    COMMENT "Generating the ONNX message classes" VERBATIM)
add_custom_target(onnx_pb DEPENDS ${ONNX_PB_C} ${ONNX_PB_H})
