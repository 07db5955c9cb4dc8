/* The first line is an endpoint, the second, if any, its override. What is taken must be printed as
 * a URL that parses to the same endpoint, and must hide no address in its host. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endpoint.h"
#include "base/escape.h"

enum { INPUT_BYTES_MAX = 2048 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* assert(3) is gone from optimised builds. */
static void require(bool condition) {
  if (!condition) abort();
}

/* A refusal has a sentence that a line of the log can hold. */
static void check_sentence(const struct pm_why *why) {
  char line[PM_WHY_BYTES];
  require(why->text[0] != '\0' && memchr(why->text, '\0', sizeof(why->text)) != NULL);
  memcpy(line, why->text, sizeof(line));
  pm_escape_line_inplace(line);
  require(strcmp(line, why->text) == 0);
}

static void check_url(const struct pm_endpoint *e) {
  require(strlen(e->url) < sizeof(e->url));
  require(strncmp(e->url, e->https ? "https://" : "http://", e->https ? 8 : 7) == 0);
  require(e->port > 0);
  for (const char *c = e->url; *c != '\0'; c++) require(*c > ' ' && *c < 0x7f && *c != '#');
  const char *target = e->url + e->path_at;
  require(*target == '\0' || *target == '/');
}

/* inet_aton(3) takes what getaddrinfo(3) takes. */
static void check_host(const struct pm_endpoint *e) {
  struct in_addr address;
  if (inet_aton(e->host, &address) == 1) require(e->host_is_ip);
  require(e->host[0] != '\0' && strlen(e->host) < sizeof(e->host));
  require(e->host_is_ip == (e->host_ip.family != PM_IP_NONE));

  char host_port[PM_HOST_PORT_BYTES];
  struct pm_endpoint bare;
  pm_endpoint_host_port(e, host_port);
  require(strncmp(e->url + e->path_at - strlen(host_port), host_port, strlen(host_port)) == 0);
  require(pm_endpoint_parse(host_port, NULL, &bare, NULL) == PM_OK);
  require(strcmp(bare.host, e->host) == 0);
}

static void check_location(const struct pm_endpoint *e) {
  char line[PM_LOCATION_BYTES];
  require(strlen(e->location) < sizeof(e->location));
  memcpy(line, e->location, sizeof(line));
  pm_escape_line_inplace(line);
  require(strcmp(line, e->location) == 0);
}

static void check_same(const struct pm_endpoint *a, const struct pm_endpoint *b) {
  require(pm_endpoint_equal(a, b) && pm_endpoint_equal(b, a));
  require(pm_endpoint_key(a, 1) == pm_endpoint_key(b, 1));
  require(strcmp(a->url, b->url) == 0 && strcmp(a->host, b->host) == 0);
  require(a->port == b->port && a->path_at == b->path_at);
}

static void check_round_trip(const struct pm_endpoint *e) {
  char override[PM_IP_TEXT_BYTES];
  struct pm_endpoint again;
  pm_ip_text(&e->ip_override, override);
  require(pm_endpoint_parse(e->url, override, &again, NULL) == PM_OK);
  check_same(e, &again);

  char path[PM_URL_BYTES];
  char target[PM_URL_BYTES + 1];
  const char *query = pm_endpoint_query(e);
  const bool has_query = query[0] != '\0' || e->url[strlen(e->url) - 1] == '?';
  pm_endpoint_path(e, path);
  (void)snprintf(target, sizeof(target), "%s%s%s", path, has_query ? "?" : "", query);
  require(pm_endpoint_with_path(e, target, &again) == PM_OK);
  check_same(e, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size >= INPUT_BYTES_MAX) return 0;
  char text[INPUT_BYTES_MAX] = "";
  if (size > 0) memcpy(text, data, size);
  char *override = strchr(text, '\n');
  if (override != NULL) *override++ = '\0';

  struct pm_endpoint endpoint;
  struct pm_why why = {""};
  if (pm_endpoint_parse(text, override, &endpoint, &why) != PM_OK) {
    check_sentence(&why);
    return 0;
  }
  check_url(&endpoint);
  check_host(&endpoint);
  check_location(&endpoint);
  check_round_trip(&endpoint);
  return 0;
}
