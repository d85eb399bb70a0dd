# cmake --install: program, library, headers, pkg-config file, man page, completion, documents.
install(TARGETS qns_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS qns ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${CMAKE_SOURCE_DIR}/qns.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/qns)
foreach(layer IN LISTS QNS_LAYERS)
    install(DIRECTORY ${CMAKE_SOURCE_DIR}/${layer}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/qns/${layer}
            FILES_MATCHING PATTERN "*.h" PATTERN "*_internal.h" EXCLUDE)
endforeach()
# The prefix is found from where the file lies, so that --install --prefix may move everything.
file(RELATIVE_PATH QNS_PC_UP /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_SOURCE_DIR}/cmake/qns.pc.in ${CMAKE_BINARY_DIR}/qns.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/qns.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${CMAKE_SOURCE_DIR}/docs/qns.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${CMAKE_SOURCE_DIR}/tools/qns-completion.bash
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME qns)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}
        FILES_MATCHING PATTERN "*.md" PATTERN "*.c" PATTERN "*.png")
