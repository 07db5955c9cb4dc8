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

# What makes a fault in memory harder to use, in what is given to others; tools/hardening.py looks
# whether it is there. For all files, those of llhttp as well.
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT PM_SANITIZE)
  include(CheckCCompilerFlag)
  set(hardening -fstack-protector-strong)
  foreach(flag -fstack-clash-protection -fcf-protection=full -mbranch-protection=standard
               -ftrivial-auto-var-init=zero)
    string(MAKE_C_IDENTIFIER "PM_HAS${flag}" has)
    check_c_compiler_flag(${flag} ${has})
    if(${has})
      list(APPEND hardening ${flag})
    endif()
  endforeach()
  # The third level counts sizes that are known at run time only; older compilers have the second.
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_C_COMPILER_VERSION VERSION_GREATER_EQUAL 12)
    set(fortify 3)
  else()
    set(fortify 2)
  endif()
  add_compile_options(${hardening} -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=${fortify})
  add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  add_link_options($<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-pie>)
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
