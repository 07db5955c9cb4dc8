/* The files of the dashboard, built into the program (cmake/Assets.cmake, tools/embed), and how one
 * of them is answered: compressed where the browser takes that, with an entity tag, kept by the
 * browser for good where its name holds its hash. Nothing is copied: the answer lends the bytes.
 */
#ifndef PM_API_ASSETS_H
#define PM_API_ASSETS_H

#include <stdbool.h>
#include <stddef.h>

#include "api/http_message.h"

/* What the dashboard's pages may do: its own scripts, styles and data, and no other host at all.
 * data: and blob: are for pictures that it draws for saving. */
#define PM_ASSETS_CSP                                                                          \
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "      \
  "connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri " \
  "'none'"

struct pm_asset_bytes {
  const unsigned char *bytes; /* NULL: there are none of this kind */
  size_t count;
};

struct pm_asset {
  const char *path; /* as asked for; "/" is the first page */
  const char *type;
  const char *tag; /* of its bytes, without quotes */
  struct pm_asset_bytes identity;
  struct pm_asset_bytes gzip; /* shorter than identity, if it is there */
  bool immutable;             /* the path never stands for other bytes */
};

/* For the life of the process. */
struct pm_assets {
  const struct pm_asset *items;
  size_t count; /* 0: built without the dashboard */
};

struct pm_assets pm_assets_built_in(void);
/* What is served beside it whatever was built: the files below api/documents, under their paths. */
struct pm_assets pm_assets_documents(void);

/* NULL if there is none of that path. */
const struct pm_asset *pm_assets_find(const struct pm_assets *assets, const char *path);

/* 200, or 304 if the request names the entity tag that it would get. */
void pm_asset_answer(const struct pm_asset *asset, const struct pm_http_request *request,
                     struct pm_http_response *response);

#endif
