# Finds standalone Asio, which ships no CMake package, and makes the target asio::asio.

find_path(asio_INCLUDE_DIR NAMES asio/awaitable.hpp)
mark_as_advanced(asio_INCLUDE_DIR)

if(asio_INCLUDE_DIR)
    # ASIO_VERSION is major * 100000 + minor * 100 + patch.
    file(STRINGS "${asio_INCLUDE_DIR}/asio/version.hpp" asio_version_line REGEX "define ASIO_VERSION [0-9]+")
    string(REGEX MATCH "[0-9]+" asio_version_number "${asio_version_line}")
    math(EXPR asio_major "${asio_version_number} / 100000")
    math(EXPR asio_minor "${asio_version_number} / 100 % 1000")
    math(EXPR asio_patch "${asio_version_number} % 100")
    set(asio_VERSION "${asio_major}.${asio_minor}.${asio_patch}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(asio REQUIRED_VARS asio_INCLUDE_DIR VERSION_VAR asio_VERSION)

if(asio_FOUND AND NOT TARGET asio::asio)
    find_package(Threads REQUIRED)
    add_library(asio::asio INTERFACE IMPORTED)
    target_include_directories(asio::asio INTERFACE "${asio_INCLUDE_DIR}")
    target_link_libraries(asio::asio INTERFACE Threads::Threads)
    # Asio looks for aligned_alloc in a macro that the standard library defines, so a unit that includes Asio first would
    # free with one function what another unit's inline code took from the other.
    target_compile_definitions(asio::asio INTERFACE "$<$<PLATFORM_ID:Linux>:ASIO_HAS_STD_ALIGNED_ALLOC>")
    # Asio 1.22 does not see that clang has coroutines; gone when Debian 12 is.
    target_compile_definitions(
        asio::asio
        INTERFACE "$<$<CXX_COMPILER_ID:Clang>:ASIO_HAS_CO_AWAIT;ASIO_HAS_STD_COROUTINE>"
    )
endif()
