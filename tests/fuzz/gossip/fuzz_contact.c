/* URLs and announcements from anybody: the short way for those written as we write them takes and
 * gives exactly what the whole parser does. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/endpoint.h"
#include "gossip/contact.h"

#define CHECK(condition)       \
  do {                         \
    if (!(condition)) abort(); \
  } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_mesh_path(const struct pm_endpoint *e) {
  const char *path = e->url + e->path_at;
  return strcmp(path, "/v1/ping") == 0 || strcmp(path, "/v1/peers") == 0 ||
         strcmp(path, "/v1/peers?addpeers=true") == 0;
}

static void check_url(const char *url, const char *ip) {
  struct pm_endpoint e;
  struct pm_contact contact;
  bool right = pm_endpoint_parse(url, ip, &e, NULL) == PM_OK && is_mesh_path(&e) &&
               strlen(e.host) < PM_CONTACT_HOST_BYTES;
  CHECK((pm_contact_from_url(url, ip, &contact) == PM_OK) == right);
  if (!right) return;
  CHECK(strcmp(contact.host, e.host) == 0);
  CHECK(contact.port == e.port && contact.https == e.https);
  CHECK(pm_ip_equal(&contact.ip, e.host_is_ip ? &e.host_ip : &e.ip_override));
}

/* What is taken is written, and read as the same. */
static void check_text(const char *text) {
  struct pm_contact contact, again;
  char written[PM_CONTACT_TEXT_BYTES];
  if (pm_contact_from_text(text, &contact) != PM_OK) return;
  pm_contact_text(&contact, written);
  CHECK(pm_contact_from_text(written, &again) == PM_OK);
  CHECK(pm_contact_hash(&contact, 0) == pm_contact_hash(&again, 0));
  CHECK(contact.https == again.https);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = malloc(size + 1);
  if (!text) return 0;
  memcpy(text, data, size);
  text[size] = '\0';
  check_text(text);
  char *space = strchr(text, ' ');
  if (space) *space = '\0';
  check_url(text, space ? space + 1 : NULL);
  free(text);
  return 0;
}
