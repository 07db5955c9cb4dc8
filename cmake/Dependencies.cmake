# Debian's libraries, each under one PM:: name.
find_package(PkgConfig REQUIRED)

function(pm_dependency name module)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${module})
  add_library(PM::${name} ALIAS PkgConfig::${name})
endfunction()

pm_dependency(uv libuv)
pm_dependency(curl libcurl)
pm_dependency(cares libcares)
pm_dependency(cjson libcjson)
pm_dependency(xxhash libxxhash)
pm_dependency(openssl openssl)
pm_dependency(zlib zlib)
pm_dependency(sqlite sqlite3)

# llhttp: a library of its own where the distribution has one; on Debian 12 its C sources come with
# node-llhttp and are compiled here.
find_library(LLHTTP_LIBRARY llhttp)
find_path(LLHTTP_INCLUDE llhttp.h PATH_SUFFIXES llhttp PATHS /usr/share/include)
set(LLHTTP_SOURCES /usr/share/llhttp)
if(LLHTTP_LIBRARY AND LLHTTP_INCLUDE)
  add_library(pm_llhttp INTERFACE)
  target_link_libraries(pm_llhttp INTERFACE ${LLHTTP_LIBRARY})
  target_include_directories(pm_llhttp SYSTEM INTERFACE ${LLHTTP_INCLUDE})
elseif(LLHTTP_INCLUDE AND EXISTS ${LLHTTP_SOURCES}/llhttp.c)
  add_library(pm_llhttp STATIC ${LLHTTP_SOURCES}/llhttp.c ${LLHTTP_SOURCES}/http.c
                               ${LLHTTP_SOURCES}/api.c)
  target_include_directories(pm_llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE})
  # Version 8 takes any two bytes for a line end unless told so; later versions are always strict.
  target_compile_definitions(pm_llhttp PUBLIC LLHTTP_STRICT_MODE=1)
else()
  message(FATAL_ERROR "llhttp is missing: install libllhttp-dev, or node-llhttp where that does "
                      "not exist (./dev build does it)")
endif()
add_library(PM::llhttp ALIAS pm_llhttp)

if(PM_TESTS)
  pm_dependency(cmocka cmocka)
endif()
