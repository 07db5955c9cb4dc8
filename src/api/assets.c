#include "api/assets.h"

#include <stdio.h>
#include <string.h>

#include "api/accept.h"
#include "api/answer.h"

enum { TAG_BYTES = 64 };

const struct pm_asset *pm_assets_find(const struct pm_assets *assets, const char *path) {
  for (size_t i = 0; i < assets->count; i++)
    if (strcmp(assets->items[i].path, path) == 0) return &assets->items[i];
  return NULL;
}

/* If-None-Match (RFC 9110, section 13.1.2): "*", or a list of tags of which one is ours. The weak
 * comparison: a proxy that compresses makes our tag weak. No tag of ours is part of another. */
static bool is_known(const struct pm_http_request *request, const char *tag) {
  const char *known = pm_http_request_header(request, "if-none-match");
  if (known == NULL) return false;
  return strcmp(known, "*") == 0 || strstr(known, tag) != NULL;
}

static void say_lifetime(const struct pm_asset *asset, struct pm_http_response *response) {
  pm_answer_header(response, "Cache-Control",
                   asset->immutable ? "public, max-age=31536000, immutable" : "no-cache");
}

void pm_asset_answer(const struct pm_asset *asset, const struct pm_http_request *request,
                     struct pm_http_response *response) {
  char tag[TAG_BYTES];
  bool gzip = asset->gzip.bytes != NULL && pm_accept_gzip(request);
  const struct pm_asset_bytes *bytes = gzip ? &asset->gzip : &asset->identity;
  snprintf(tag, sizeof(tag), "\"%.40s%s\"", asset->tag, gzip ? "-gz" : "");
  response->status = is_known(request, tag) ? 304 : 200;
  response->content_type = asset->type;
  response->lent = (const char *)bytes->bytes;
  response->lent_bytes = bytes->count;
  pm_answer_header(response, "ETag", tag);
  say_lifetime(asset, response);
  /* At "/" there is a page for programs, too. */
  pm_answer_header(response, "Vary",
                   strcmp(asset->path, "/") == 0 ? "Accept, Accept-Encoding" : "Accept-Encoding");
  if (gzip && response->status == 200) pm_answer_header(response, "Content-Encoding", "gzip");
  pm_answer_header(response, "Content-Security-Policy", PM_ASSETS_CSP);
  pm_answer_header(response, "Referrer-Policy", "same-origin");
  pm_answer_header(response, "Cross-Origin-Resource-Policy", "same-origin");
}
