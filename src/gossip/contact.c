#include "gossip/contact.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/endpoint.h"
#include "base/host.h"

enum { GROUP_V4_BYTES = 2, GROUP_V6_BYTES = 4 };

static bool is_mesh_path(const struct pm_endpoint *endpoint) {
  const char *path = endpoint->url + endpoint->path_at;
  return strcmp(path, "/v1/ping") == 0 || strcmp(path, "/v1/peers") == 0 ||
         strcmp(path, "/v1/peers?addpeers=true") == 0;
}

static enum pm_err from_endpoint(const struct pm_endpoint *endpoint, struct pm_contact *out) {
  size_t length = strlen(endpoint->host);
  if (length >= PM_CONTACT_HOST_BYTES) return PM_ERR_TOO_LARGE;
  struct pm_contact contact = {.port = endpoint->port, .https = endpoint->https};
  memcpy(contact.host, endpoint->host, length + 1);
  if (endpoint->host_is_ip)
    contact.ip = endpoint->host_ip;
  else
    contact.ip = endpoint->ip_override;
  *out = contact;
  return PM_OK;
}

/* The port behind a host: NULL if it is not written as we write it. */
static const char *plain_port(const char *text, unsigned *out) {
  unsigned port = 0;
  if (*text != ':' || text[1] < '1' || text[1] > '9') return NULL;
  for (text++; *text >= '0' && *text <= '9'; text++) {
    port = port * 10 + (unsigned)(*text - '0');
    if (port > UINT16_MAX) return NULL;
  }
  *out = port;
  return text;
}

/* host:port as we write it: read without the whole parser, as nearly all that is heard is written
 * so. What stands behind it is returned; NULL for anything else, of which that parser is to judge.
 */
static const char *plain_host_port(const char *text, struct pm_contact *out) {
  size_t length = 0;
  while (text[length] != '\0' && text[length] != ':' && text[length] != '/') length++;
  char name[PM_HOST_BYTES];
  unsigned port;
  const char *rest = plain_port(text + length, &port);
  if (length == 0 || length >= PM_CONTACT_HOST_BYTES || !rest) return NULL;
  if (pm_host_normalise(text, length, name, NULL) != PM_OK) return NULL;
  out->port = (uint16_t)port;
  if (pm_ip_parse(name, &out->ip) != PM_OK) out->ip = (struct pm_ip){.family = PM_IP_NONE};
  memcpy(out->host, name, sizeof out->host);
  return rest;
}

static bool from_plain_url(const char *url, const char *ip, struct pm_contact *out) {
  struct pm_contact contact = {.https = strncmp(url, "https://", 8) == 0};
  if (!contact.https && strncmp(url, "http://", 7) != 0) return false;
  const char *rest = plain_host_port(url + (contact.https ? 8 : 7), &contact);
  if (!rest || strcmp(rest, "/v1/ping") != 0) return false;
  struct pm_ip seen = {.family = PM_IP_NONE};
  if (ip && ip[0] != '\0' && pm_ip_parse(ip, &seen) != PM_OK) return false;
  if (contact.ip.family == PM_IP_NONE) contact.ip = seen;
  *out = contact;
  return true;
}

enum pm_err pm_contact_from_url(const char *url, const char *ip, struct pm_contact *out) {
  if (from_plain_url(url, ip, out)) return PM_OK;
  struct pm_endpoint endpoint;
  enum pm_err err = pm_endpoint_parse(url, ip, &endpoint, NULL);
  if (err != PM_OK) return err;
  if (!is_mesh_path(&endpoint)) return PM_ERR_SYNTAX;
  return from_endpoint(&endpoint, out);
}

/* Cuts "host:port|ip" at its last bar; the address part is copied out. */
static enum pm_err split_ip(const char *text, char *head, size_t head_bytes, struct pm_ip *ip) {
  const char *bar = strrchr(text, '|');
  size_t length = bar ? (size_t)(bar - text) : strlen(text);
  if (length >= head_bytes) return PM_ERR_TOO_LARGE;
  memcpy(head, text, length);
  head[length] = '\0';
  *ip = (struct pm_ip){.family = PM_IP_NONE};
  if (!bar || bar[1] == '\0') return PM_OK;
  return pm_ip_parse(bar + 1, ip);
}

/* ":8080|1.2.3.4": no name, so the address stands for it. */
static enum pm_err from_port_only(const char *text, struct pm_ip ip, bool https,
                                  struct pm_contact *out) {
  char *end = NULL;
  unsigned long port = strtoul(text + 1, &end, 10);
  if (!isdigit((unsigned char)text[1]) || *end != '\0' || port == 0 || port > UINT16_MAX)
    return PM_ERR_SYNTAX;
  struct pm_contact contact = {.ip = ip, .port = (uint16_t)port, .https = https};
  char host[PM_IP_TEXT_BYTES];
  pm_ip_text(&ip, host);
  memcpy(contact.host, host, sizeof host);
  *out = contact;
  return PM_OK;
}

static enum pm_err from_head(const char *head, struct pm_contact *out) {
  struct pm_endpoint endpoint;
  enum pm_err err = pm_endpoint_parse(head, NULL, &endpoint, NULL);
  if (err != PM_OK) return err;
  if (endpoint.url[endpoint.path_at] != '\0') return PM_ERR_SYNTAX;
  return from_endpoint(&endpoint, out);
}

enum pm_err pm_contact_from_text(const char *text, struct pm_contact *out) {
  char head[PM_CONTACT_TEXT_BYTES];
  struct pm_ip ip;
  enum pm_err err = split_ip(text, head, sizeof head, &ip);
  if (err != PM_OK) return err;
  bool https = strncmp(head, "https://", 8) == 0;
  const char *rest = https ? head + 8 : head;
  if (rest[0] == ':') return from_port_only(rest, ip, https, out);
  struct pm_contact contact = {.https = https};
  const char *end = plain_host_port(rest, &contact);
  if (!end || *end != '\0') err = from_head(head, &contact);
  if (err != PM_OK) return err;
  if (ip.family != PM_IP_NONE) {
    if (contact.ip.family != PM_IP_NONE && !pm_ip_equal(&ip, &contact.ip)) return PM_ERR_SYNTAX;
    contact.ip = ip;
  }
  *out = contact;
  return PM_OK;
}

/* The longest of each kind fits by the sizes in the header. */
static char *put(char *at, const char *text) {
  size_t length = strlen(text);
  memcpy(at, text, length + 1);
  return at + length;
}

static char *put_host_port(char *at, const struct pm_contact *contact) {
  bool brackets = strchr(contact->host, ':') != NULL;
  char digits[8];
  char *digit = digits + sizeof digits;
  unsigned port = contact->port;
  *--digit = '\0';
  do {
    *--digit = (char)('0' + port % 10);
    port /= 10;
  } while (port > 0);
  *--digit = ':';
  if (brackets) *at++ = '[';
  at = put(at, contact->host);
  if (brackets) *at++ = ']';
  return put(at, digit);
}

void pm_contact_host_port(const struct pm_contact *contact, char out[PM_CONTACT_TEXT_BYTES]) {
  put_host_port(out, contact);
}

void pm_contact_text(const struct pm_contact *contact, char out[PM_CONTACT_TEXT_BYTES]) {
  char *at = put(out, contact->https ? "https://" : "");
  at = put_host_port(at, contact);
  *at++ = '|';
  pm_ip_text(&contact->ip, at);
}

void pm_contact_short_text(const struct pm_contact *contact, char out[PM_CONTACT_TEXT_BYTES]) {
  char ip[PM_IP_TEXT_BYTES];
  char *at = put(out, contact->https ? "https://" : "");
  at = put_host_port(at, contact);
  if (contact->ip.family == PM_IP_NONE) return;
  pm_ip_text(&contact->ip, ip);
  if (strcmp(ip, contact->host) == 0) return;
  *at++ = '|';
  put(at, ip);
}

void pm_contact_url(const struct pm_contact *contact, char out[PM_CONTACT_URL_BYTES]) {
  char *at = put(out, contact->https ? "https://" : "http://");
  put(put_host_port(at, contact), "/v1/ping");
}

uint64_t pm_contact_hash(const struct pm_contact *contact, uint64_t seed) {
  uint8_t flat[1 + 16 + 2 + PM_CONTACT_HOST_BYTES];
  size_t length = strnlen(contact->host, PM_CONTACT_HOST_BYTES);
  flat[0] = contact->ip.family;
  memcpy(flat + 1, contact->ip.bytes, 16);
  flat[17] = (uint8_t)(contact->port >> 8);
  flat[18] = (uint8_t)contact->port;
  memcpy(flat + 19, contact->host, length);
  return XXH3_64bits_withSeed(flat, 19 + length, seed);
}

uint64_t pm_contact_ip_hash(const struct pm_ip *ip, uint64_t seed) {
  uint8_t flat[17];
  flat[0] = ip->family;
  memcpy(flat + 1, ip->bytes, 16);
  return XXH3_64bits_withSeed(flat, sizeof flat, seed);
}

uint64_t pm_contact_group(const struct pm_contact *contact, uint64_t seed) {
  uint8_t flat[1 + 16 + 2] = {contact->ip.family};
  if (pm_ip_classify(&contact->ip) == PM_IP_CLASS_PUBLIC) {
    memcpy(flat + 1, contact->ip.bytes,
           contact->ip.family == PM_IP_V4 ? GROUP_V4_BYTES : GROUP_V6_BYTES);
  } else {
    memcpy(flat + 1, contact->ip.bytes, 16);
    flat[17] = (uint8_t)(contact->port >> 8);
    flat[18] = (uint8_t)contact->port;
  }
  return XXH3_64bits_withSeed(flat, sizeof flat, seed);
}
