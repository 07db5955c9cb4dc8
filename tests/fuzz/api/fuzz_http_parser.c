/* The HTTP parser on any bytes: whole and cut in two it must come to the same end, and what it
 * calls a request must hold what its header promises. The first byte says where to cut. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/http_parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct end {
  enum pm_http_parsed result;
  int status;
  size_t used;
};

static void require(bool holds) {
  if (!holds) abort();
}

static struct end feed(struct pm_http_parser *parser, const char *bytes, size_t count, size_t cut) {
  struct end end = {.result = PM_HTTP_NEED_MORE};
  const char *why;
  while (end.used < count && end.result != PM_HTTP_REQUEST && end.result != PM_HTTP_BAD) {
    size_t used;
    const size_t upto = end.used < cut && cut < count ? cut : count;
    end.result = pm_http_parser_feed(parser, bytes + end.used, upto - end.used, &used);
    require(used <= upto - end.used);
    end.used += used;
  }
  if (end.result == PM_HTTP_NEED_MORE_CONTINUE) end.result = PM_HTTP_NEED_MORE;
  if (end.result == PM_HTTP_BAD) end.used = 0; /* means nothing then */
  end.status = pm_http_parser_status(parser, &why);
  require((end.result == PM_HTTP_BAD) == (end.status != 0));
  return end;
}

static void check_request(struct pm_http_parser *parser) {
  const struct pm_http_request *request = pm_http_parser_request(parser);
  require(request->path[0] == '/');
  require(strstr(request->path, "/../") == NULL);
  for (const char *at = request->path; *at != '\0'; at++) require((unsigned char)*at >= 0x20);
  require(strlen(request->body) <= request->body_bytes);
  require(request->body_bytes <= PM_HTTP_BODY_BYTES_MAX);
  require(request->headers_count <= PM_HTTP_HEADERS_MAX);
  for (size_t i = 0; i < request->headers_count; i++) {
    require(request->headers[i].name[0] != '\0');
    require(strpbrk(request->headers[i].value, "\r\n") == NULL);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1) return 0;
  struct pm_http_parser *whole;
  struct pm_http_parser *cut;
  if (pm_http_parser_new(&whole) != PM_OK || pm_http_parser_new(&cut) != PM_OK) abort();
  const char *bytes = (const char *)data + 1;
  const struct end a = feed(whole, bytes, size - 1, 0);
  const struct end b = feed(cut, bytes, size - 1, size * data[0] / 256);
  require(a.result == b.result && a.status == b.status && a.used == b.used);
  if (a.result == PM_HTTP_REQUEST) {
    check_request(whole);
    check_request(cut);
    pm_http_parser_reset(whole);
    const struct end again = feed(whole, bytes, size - 1, 0);
    require(again.result == a.result && again.used == a.used);
  }
  pm_http_parser_free(whole);
  pm_http_parser_free(cut);
  return 0;
}
