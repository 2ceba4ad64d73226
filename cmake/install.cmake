# Installs the headers and the package that `find_package(mcp_provider)` reads.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/mcp_provider")

install(
    TARGETS mcp_provider
    EXPORT mcp_provider
    FILE_SET HEADERS
    COMPONENT development
)
install(
    EXPORT mcp_provider
    NAMESPACE mcp_provider::
    FILE mcp_provider-targets.cmake
    DESTINATION "${package_dir}"
    COMPONENT development
)
configure_package_config_file(
    cmake/mcp_provider-config.cmake.in
    "${PROJECT_BINARY_DIR}/mcp_provider-config.cmake"
    INSTALL_DESTINATION "${package_dir}"
    NO_SET_AND_CHECK_MACRO
)
write_basic_package_version_file(
    "${PROJECT_BINARY_DIR}/mcp_provider-config-version.cmake"
    COMPATIBILITY SameMinorVersion
    ARCH_INDEPENDENT
)
install(
    FILES "${PROJECT_BINARY_DIR}/mcp_provider-config.cmake"
          "${PROJECT_BINARY_DIR}/mcp_provider-config-version.cmake"
          cmake/Findasio.cmake
    DESTINATION "${package_dir}"
    COMPONENT development
)
