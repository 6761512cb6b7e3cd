# Installs the library, its headers and the package files that `find_package(spectralot)` reads.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/spectralot)
install(TARGETS spectralot spectralot_settings EXPORT spectralotTargets COMPONENT development
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/spectralot DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
install(EXPORT spectralotTargets NAMESPACE spectralot:: DESTINATION ${package_dir} COMPONENT development)

configure_package_config_file(cmake/spectralotConfig.cmake.in ${PROJECT_BINARY_DIR}/spectralotConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/spectralotConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/spectralotConfig.cmake ${PROJECT_BINARY_DIR}/spectralotConfigVersion.cmake
              cmake/FindZip.cmake
        DESTINATION ${package_dir} COMPONENT development)
