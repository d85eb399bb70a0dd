# One set of flags for everything. -ffp-contract=off is part of the numeric contract: a fused
# multiply-add appears only where the code calls fmaf() (ARCHITECTURE.md, "determinism").
add_library(qns_flags INTERFACE)
target_compile_options(qns_flags INTERFACE
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual
    -Wwrite-strings -Wvla -Wformat=2 -Wno-unused-parameter -Wno-format-truncation
    -ffp-contract=off -fno-fast-math -fno-common
    -fmacro-prefix-map=${CMAKE_SOURCE_DIR}/= -fmacro-prefix-map=${CMAKE_BINARY_DIR}/=)
if(QNS_WERROR)
    target_compile_options(qns_flags INTERFACE -Werror)
endif()
target_compile_definitions(qns_flags INTERFACE _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE)
target_include_directories(qns_flags INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
