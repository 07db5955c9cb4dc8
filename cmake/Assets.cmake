# What pm_api serves as it lies: the dashboard, which is what web/ was built into (web/dist, by ./dev
# build), and the documents of src/api/documents. Each becomes one C source. Without web/dist, or
# with PM_DASHBOARD=OFF, there is no dashboard and "/" is the plain page.
add_executable(pm_embed ${PROJECT_SOURCE_DIR}/tools/embed/embed.c)
target_link_libraries(pm_embed PRIVATE pm_flags PM::zlib)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/generated)

# pm_embedded(NAME folder): pm_NAME() gives the files of the folder.
function(pm_embedded name folder)
  set(source ${CMAKE_BINARY_DIR}/generated/${name}.c)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${folder}/*)
  add_custom_command(
    OUTPUT ${source}
    COMMAND pm_embed ${folder} ${source} pm_${name}
    DEPENDS pm_embed ${files}
    COMMENT "Embedding ${name}"
    VERBATIM)
  target_sources(pm_api PRIVATE ${source})
endfunction()

pm_embedded(assets_documents ${PROJECT_SOURCE_DIR}/src/api/documents)
if(PM_DASHBOARD)
  pm_embedded(assets_built_in ${PROJECT_SOURCE_DIR}/web/dist)
else()
  pm_embedded(assets_built_in ${CMAKE_BINARY_DIR}/generated/none)
endif()
