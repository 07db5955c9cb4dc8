# The Debian package: what goes beyond the files that every installation has. Needs the prefix /usr.

# Both changelogs are asked for: the project's, and the package's own.
set(release 1)
set(documents /usr/share/doc/pingmesh)
string(TIMESTAMP today "%a, %d %b %Y %H:%M:%S +0000" UTC) # SOURCE_DATE_EPOCH, where it is set
file(WRITE ${CMAKE_BINARY_DIR}/debian/changelog.Debian
     "pingmesh (${PROJECT_VERSION}-${release}) stable; urgency=medium\n\n"
     "  * Version ${PROJECT_VERSION}; see changelog.gz.\n\n"
     " -- ${PM_MAINTAINER}  ${today}\n")
configure_file(CHANGELOG.md debian/changelog COPYONLY)
foreach(name changelog changelog.Debian)
  set(file ${CMAKE_BINARY_DIR}/debian/${name})
  add_custom_command(OUTPUT ${file}.gz COMMAND gzip -9nkf ${file} DEPENDS ${file} VERBATIM)
  list(APPEND changelogs ${file}.gz)
endforeach()
add_custom_target(changelogs ALL DEPENDS ${changelogs})
install(FILES ${changelogs} ${deploy}/debian/copyright DESTINATION ${documents})
install(FILES ${deploy}/systemd/pingmesh.default DESTINATION /etc/default RENAME pingmesh)

set(CPACK_SET_DESTDIR ON) # for /etc
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${release})
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${PM_MAINTAINER})
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${deploy}/debian/conffiles ${deploy}/debian/postinst
                                       ${deploy}/debian/prerm ${deploy}/debian/postrm)
set(CPACK_PACKAGE_DESCRIPTION
    "A node that measures the latency of HTTP and HTTPS to its peers, phase by
phase, with the kernel's clock, and finds more peers by itself: told of one
node, it grows into the mesh, within bounds. Any node answers for what it
measured, now and in the past, and exports it to Prometheus, CloudWatch,
OpenTelemetry and ClickHouse.
.
avgping, which asks a node from a terminal, comes with it.")
