# report_templates/* become byte arrays in one generated C file, so that the program is one file.
# reports/template.h declares what it defines: struct qns_embedded { name, data, size }.
file(GLOB QNS_TEMPLATES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/report_templates/*)
list(FILTER QNS_TEMPLATES EXCLUDE REGEX "README")
set(QNS_EMBEDDED ${CMAKE_BINARY_DIR}/generated/embedded.c)
add_custom_command(OUTPUT ${QNS_EMBEDDED}
    COMMAND ${CMAKE_COMMAND} -DOUT=${QNS_EMBEDDED} "-DFILES=${QNS_TEMPLATES}"
            -P ${CMAKE_SOURCE_DIR}/cmake/embed_run.cmake
    DEPENDS ${QNS_TEMPLATES} ${CMAKE_SOURCE_DIR}/cmake/embed_run.cmake
    COMMENT "Embedding report templates" VERBATIM)
