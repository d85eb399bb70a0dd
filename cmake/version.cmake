# Version and git state go into one generated header: core/base/build.h reads nothing else.
execute_process(COMMAND git -C ${CMAKE_SOURCE_DIR} rev-parse --short=12 HEAD
                OUTPUT_VARIABLE QNS_GIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT QNS_GIT)
    set(QNS_GIT "unknown")
endif()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/qns_version.h CONTENT
"#ifndef QNS_VERSION_H
#define QNS_VERSION_H
#define QNS_VERSION \"@PROJECT_VERSION@\"
#define QNS_GIT \"@QNS_GIT@\"
#endif
" @ONLY)
