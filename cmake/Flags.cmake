# What every file of ours is compiled with. Warnings are errors.
add_library(pm_flags INTERFACE)
target_compile_definitions(pm_flags INTERFACE _GNU_SOURCE PM_VERSION="${PROJECT_VERSION}")
target_compile_options(
  pm_flags
  INTERFACE -Wall
            -Wextra
            -Werror
            -Wshadow
            -Wstrict-prototypes
            -Wmissing-prototypes
            -Wold-style-definition
            -Wpointer-arith
            -Wcast-qual
            -Wformat=2
            -Wundef
            -Wvla
            -Wwrite-strings
            -Wimplicit-fallthrough
            -fno-common
            -fno-strict-aliasing)

# Assertions stay in every build: they guard our own mistakes only, and cost next to nothing.
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELWITHDEBINFO "${CMAKE_C_FLAGS_RELWITHDEBINFO}")
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(pm_flags INTERFACE -fstack-protector-strong -fstack-clash-protection)
  target_compile_definitions(pm_flags INTERFACE _FORTIFY_SOURCE=2)
  target_link_options(pm_flags INTERFACE -Wl,-z,relro,-z,now -pie)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
endif()

if(PM_SANITIZE)
  set(san -fsanitize=${PM_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  if(PM_FUZZ)
    list(APPEND san -fsanitize=fuzzer-no-link)
  endif()
  add_compile_options(${san})
  add_link_options(${san})
endif()

if(PM_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()
