# How our own targets are compiled. Nothing here reaches the users of the library.

# Warnings for code that we write; dependencies are imported targets, hence SYSTEM. They are errors with the compilers that
# we know: what a newer one thinks of next must not keep anybody from building.
set(known_compiler
    "$<OR:$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>,$<AND:$<CXX_COMPILER_ID:Clang>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,20>>>"
)
add_library(mcp_provider_warnings INTERFACE)
target_compile_options(
    mcp_provider_warnings
    INTERFACE -Wall
              -Wextra
              -Wpedantic
              -Wconversion
              -Wshadow
              $<$<AND:$<BOOL:${MCP_PROVIDER_WERROR}>,${known_compiler}>:-Werror>
              # With optimisation gcc takes the inlined half of a coroutine's operator new and delete for the whole:
              # https://gcc.gnu.org/bugzilla/show_bug.cgi?id=109224, not mended in gcc 15.
              $<$<CXX_COMPILER_ID:GNU>:-Wno-mismatched-new-delete>
)
target_compile_definitions(mcp_provider_warnings INTERFACE ASIO_NO_DEPRECATED)

# What tests/hardening demands of the program. Sanitizers replace it: they bring their own checks, and do not mix.
add_library(mcp_provider_hardening INTERFACE)
if(NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize")
    target_compile_options(
        mcp_provider_hardening
        INTERFACE -fstack-protector-strong
                  -fstack-clash-protection
                  $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},x86_64>:-fcf-protection=full>
                  $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},aarch64>:-mbranch-protection=standard>
                  # Some distributions preset a level of their own; without optimisation there is none.
                  $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE$<SEMICOLON>-D_FORTIFY_SOURCE=2>
    )
    target_link_options(mcp_provider_hardening INTERFACE LINKER:-z,relro,-z,now,-z,noexecstack)
endif()
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)
