# What is installed, and the packages made of it: ./dev package.
#
# PM_BUNDLE makes the programs carry the libraries that they need, but for the C library: for a
# tarball that runs where nothing is installed. A distribution's package leaves it off.
option(PM_BUNDLE "install the libraries that the programs need beside them" OFF)
set(PM_MAINTAINER "pingmesh authors <pingmesh@pingmesh.invalid>" CACHE STRING "of the Debian package")

# --- manual pages and completions, from the programs' own tables of options -----------------------

file(GLOB pages_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tools/pages/*.c)
set(avgping_parts ${avgping_sources}) # all of avgping but its main
list(FILTER avgping_parts EXCLUDE REGEX "/main\\.c$")
add_executable(pm_pages ${pages_sources} ${avgping_parts})
target_link_libraries(pm_pages PRIVATE pm_node pm_flags)

set(pages_directory ${CMAKE_BINARY_DIR}/pages)
file(MAKE_DIRECTORY ${pages_directory})
foreach(program pingmesh avgping)
  set(template ${PROJECT_SOURCE_DIR}/tools/pages/${program}.1.in)
  set(page ${pages_directory}/${program}.1)
  add_custom_command(OUTPUT ${page} COMMAND pm_pages man ${program} ${template} > ${page}
                     DEPENDS pm_pages ${template} VERBATIM)
  add_custom_command(OUTPUT ${page}.gz COMMAND gzip -9nkf ${page} DEPENDS ${page} VERBATIM)
  list(APPEND pages ${page} ${page}.gz)
  foreach(shell bash zsh fish)
    set(page ${pages_directory}/${program}.${shell})
    add_custom_command(OUTPUT ${page} COMMAND pm_pages ${shell} ${program} > ${page}
                       DEPENDS pm_pages VERBATIM)
    list(APPEND pages ${page})
  endforeach()
endforeach()
add_custom_target(pages ALL DEPENDS ${pages})

# --- what is installed ----------------------------------------------------------------------------

set(programs pingmesh avgping)
if(PM_BUNDLE)
  # The old kind of run path: it holds for the libraries' own libraries, too.
  set_target_properties(${programs} PROPERTIES INSTALL_RPATH "$ORIGIN/../lib/pingmesh")
  foreach(program ${programs})
    target_link_options(${program} PRIVATE -Wl,--disable-new-dtags)
  endforeach()
  install(TARGETS ${programs} RUNTIME_DEPENDENCY_SET bundled RUNTIME DESTINATION bin)
  install(RUNTIME_DEPENDENCY_SET bundled
          PRE_EXCLUDE_REGEXES "^ld-linux" "^lib(c|m|dl|rt|pthread|resolv|util)\\.so"
          LIBRARY DESTINATION lib/pingmesh)
else()
  install(TARGETS ${programs} RUNTIME DESTINATION bin)
endif()

foreach(program ${programs})
  install(FILES ${pages_directory}/${program}.1.gz DESTINATION share/man/man1)
  install(FILES ${pages_directory}/${program}.bash DESTINATION share/bash-completion/completions
          RENAME ${program})
  install(FILES ${pages_directory}/${program}.zsh DESTINATION share/zsh/vendor-completions
          RENAME _${program})
  install(FILES ${pages_directory}/${program}.fish DESTINATION share/fish/vendor_completions.d)
endforeach()

# A source tree without deploy/ (the image's) builds and installs the programs all the same.
set(deploy ${PROJECT_SOURCE_DIR}/deploy)
if(EXISTS ${deploy}/systemd/pingmesh.service)
  file(READ ${deploy}/systemd/pingmesh.service unit)
  string(REPLACE "/usr/bin/" "${CMAKE_INSTALL_PREFIX}/bin/" unit "${unit}")
  file(WRITE ${pages_directory}/pingmesh.service "${unit}")
  install(FILES ${pages_directory}/pingmesh.service DESTINATION lib/systemd/system)
  install(FILES ${deploy}/systemd/pingmesh.sysusers DESTINATION lib/sysusers.d
          RENAME pingmesh.conf)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
                                         ${deploy}/systemd/pingmesh.service)
  if(PM_BUNDLE)
    install(FILES ${deploy}/systemd/pingmesh.default DESTINATION etc/default RENAME pingmesh)
    install(FILES README.md LICENSE CHANGELOG.md DESTINATION .)
  else()
    include(cmake/Debian.cmake)
  endif()
endif()

# --- packages -------------------------------------------------------------------------------------

set(CPACK_PACKAGE_NAME pingmesh)
set(CPACK_PACKAGE_VENDOR "the pingmesh authors")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "measure HTTP latency to the nodes of a self-growing mesh")
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_SOURCE_DIR}/build)
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR TGZ)
set(CPACK_PACKAGE_FILE_NAME pingmesh-${PROJECT_VERSION}-linux-${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
include(CPack)
