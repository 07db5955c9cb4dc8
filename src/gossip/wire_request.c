#include "gossip/wire_request.h"

#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "gossip/wire_text.h"

/* Of a mesh's name. */
static const char NAME_CHARS[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

bool pm_mesh_name_valid(const char *name) {
  size_t length = strspn(name, NAME_CHARS);
  return length > 0 && length < PM_MESH_NAME_BYTES && name[length] == '\0';
}

static void put_self(const struct pm_wire_request *request, struct pm_buf *out) {
  if (request->self_count == 0) return;
  pm_buf_text(out, "&self=");
  for (size_t i = 0; i < request->self_count; i++) {
    char text[PM_CONTACT_TEXT_BYTES];
    pm_contact_text(&request->self[i], text);
    if (i > 0) pm_buf_char(out, ',');
    pm_escape_query(out, text, strlen(text));
  }
}

static void put_dialled(const struct pm_wire_request *request, struct pm_buf *out) {
  if (request->to_ip.family == PM_IP_NONE) return;
  char ip[PM_IP_TEXT_BYTES];
  pm_ip_text(&request->to_ip, ip);
  bool v6 = request->to_ip.family == PM_IP_V6;
  pm_buf_text(out, v6 ? "&to=[" : "&to=");
  pm_buf_text(out, ip);
  pm_buf_text(out, v6 ? "]:" : ":");
  pm_wire_put_number(out, request->to_port);
}

static void put_hex64(struct pm_buf *out, const char *name, uint64_t value) {
  char text[17];
  pm_wire_hex64(value, text);
  pm_buf_text(out, name);
  pm_buf_text(out, text);
}

static void put_hex(struct pm_buf *out, const char *name, const uint8_t bytes[16]) {
  char text[2 * 16 + 1];
  pm_wire_hex(bytes, 16, text);
  pm_buf_text(out, name);
  pm_buf_text(out, text);
}

static void put_number(struct pm_buf *out, const char *name, uint64_t value) {
  pm_buf_text(out, name);
  pm_wire_put_number(out, value);
}

static void put_mac(const struct pm_wire_request *request, struct pm_buf *out) {
  if (!request->has_mac) return;
  put_hex64(out, "&c=", request->challenge);
  put_hex(out, "&mac=", request->mac);
}

static void put_row(const struct pm_wire_request *request, struct pm_buf *out) {
  if (!request->has_row) return;
  put_hex64(out, "&row=", request->row_inc);
  put_number(out, ".", request->row_revision);
}

static void put_wants(const struct pm_wire_request *request, struct pm_buf *out) {
  put_number(out, "&limit=", request->limit);
  if (request->short_entries) pm_buf_text(out, "&short=1");
  if (request->rows) pm_buf_text(out, "&rows=1");
  if (request->parts > 1) {
    put_number(out, "&part=", request->part);
    put_number(out, ".", request->parts);
  }
  pm_buf_printf(out, "&salt=%08x", request->salt);
  if (!request->has_bloom) return;
  pm_buf_text(out, "&bf=");
  pm_wire_base64(out, request->bloom.bits, request->bloom.bytes);
}

void pm_wire_request_write(const struct pm_wire_request *request, struct pm_buf *out) {
  put_number(out, request->pull ? "addpeers=true&v=" : "v=", request->version);
  pm_buf_text(out, "&mesh=");
  pm_buf_text(out, request->mesh);
  put_hex(out, "&id=", request->id.bytes);
  if (request->has_nonce) put_hex64(out, "&n=", request->nonce);
  put_dialled(request, out);
  put_self(request, out);
  put_mac(request, out);
  put_row(request, out);
  if (request->pull) put_wants(request, out);
}

static bool read_to(const char *text, struct pm_wire_request *out) {
  struct pm_contact contact;
  if (pm_contact_from_text(text, &contact) != PM_OK || contact.https) return false;
  if (contact.ip.family == PM_IP_NONE || contact.port == 0) return false;
  out->to_ip = contact.ip;
  out->to_port = contact.port;
  return true;
}

static bool read_self(char *text, struct pm_wire_request *out) {
  char *rest = text;
  for (char *item = strsep(&rest, ","); item; item = strsep(&rest, ",")) {
    if (out->self_count == PM_WIRE_SELF_MAX) return false;
    if (pm_contact_from_text(item, &out->self[out->self_count]) != PM_OK) return false;
    out->self_count++;
  }
  return true;
}

static bool read_part(char *text, struct pm_wire_request *out) {
  char *dot = strchr(text, '.');
  uint64_t part, parts;
  if (!dot) return false;
  *dot = '\0';
  if (!pm_wire_number(dot + 1, PM_BLOOM_PARTS_MAX, &parts) || parts == 0) return false;
  if (!pm_wire_number(text, parts - 1, &part)) return false;
  out->part = (unsigned)part;
  out->parts = (unsigned)parts;
  return true;
}

static bool read_salt(const char *text, struct pm_wire_request *out) {
  uint8_t bytes[4];
  if (!pm_wire_unhex(text, bytes, sizeof bytes)) return false;
  out->salt =
      (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
  return true;
}

static bool read_mesh(const char *text, struct pm_wire_request *out) {
  if (!pm_mesh_name_valid(text)) return false;
  snprintf(out->mesh, sizeof out->mesh, "%s", text);
  return true;
}

static bool read_version(const char *text, struct pm_wire_request *out) {
  uint64_t version;
  if (!pm_wire_number(text, 1000000, &version)) return false;
  out->version = (unsigned)version;
  return true;
}

static bool read_limit(const char *text, struct pm_wire_request *out) {
  uint64_t limit;
  if (!pm_wire_number(text, 1000000, &limit)) return false;
  out->limit = limit > PM_WIRE_LIMIT_MAX ? PM_WIRE_LIMIT_MAX : (unsigned)limit;
  return true;
}

static bool read_row(char *text, struct pm_wire_request *out) {
  char *dot = strchr(text, '.');
  if (!dot) return false;
  *dot = '\0';
  out->has_row = pm_wire_unhex64(text, &out->row_inc) &&
                 pm_wire_number(dot + 1, UINT64_MAX, &out->row_revision);
  return out->has_row;
}

static bool read_bloom(const char *text, struct pm_wire_request *out) {
  size_t bytes = strlen(text) * 3 / 4;
  if (!pm_bloom_size_valid(bytes) || !pm_wire_unbase64(text, out->bloom.bits, bytes)) return false;
  out->bloom.bytes = (uint16_t)bytes;
  return out->has_bloom = true;
}

static bool read_value(const char *name, char *value, struct pm_wire_request *out) {
  if (strcmp(name, "addpeers") == 0) return (out->pull = strcmp(value, "true") == 0), true;
  if (strcmp(name, "v") == 0) return read_version(value, out);
  if (strcmp(name, "mesh") == 0) return read_mesh(value, out);
  if (strcmp(name, "id") == 0) return pm_wire_unhex(value, out->id.bytes, sizeof out->id.bytes);
  if (strcmp(name, "n") == 0) return out->has_nonce = pm_wire_unhex64(value, &out->nonce);
  if (strcmp(name, "to") == 0) return read_to(value, out);
  if (strcmp(name, "self") == 0) return read_self(value, out);
  if (strcmp(name, "c") == 0) return pm_wire_unhex64(value, &out->challenge);
  if (strcmp(name, "mac") == 0)
    return out->has_mac = pm_wire_unhex(value, out->mac, sizeof out->mac);
  if (strcmp(name, "row") == 0) return read_row(value, out);
  if (strcmp(name, "rows") == 0) return (out->rows = strcmp(value, "1") == 0), true;
  if (strcmp(name, "limit") == 0) return read_limit(value, out);
  if (strcmp(name, "short") == 0) return (out->short_entries = strcmp(value, "1") == 0), true;
  if (strcmp(name, "part") == 0) return read_part(value, out);
  if (strcmp(name, "salt") == 0) return read_salt(value, out);
  if (strcmp(name, "bf") == 0) return read_bloom(value, out);
  return true;
}

static enum pm_err read_pair(char *pair, struct pm_wire_request *out, struct pm_why *why) {
  char value[PM_WIRE_QUERY_BYTES_MAX + 1];
  char *equals = strchr(pair, '=');
  value[0] = '\0';
  if (equals) {
    *equals = '\0';
    enum pm_err err = pm_unescape_form(equals + 1, strlen(equals + 1), value, sizeof value);
    if (err != PM_OK) return pm_why_set(why, err, "the query's value of %s is broken", pair);
  }
  if (!read_value(pair, value, out))
    return pm_why_set(why, PM_ERR_SYNTAX, "the query's value of %s is broken", pair);
  return PM_OK;
}

enum pm_err pm_wire_request_read(const char *query, struct pm_wire_request *out,
                                 struct pm_why *why) {
  char copy[PM_WIRE_QUERY_BYTES_MAX + 1];
  size_t length = strlen(query);
  if (length > PM_WIRE_QUERY_BYTES_MAX)
    return pm_why_set(why, PM_ERR_TOO_LARGE, "the query has more than %d bytes",
                      PM_WIRE_QUERY_BYTES_MAX);
  memcpy(copy, query, length + 1);
  struct pm_wire_request request;
  memset(&request, 0, offsetof(struct pm_wire_request, bloom));
  request.parts = 1;
  request.limit = PM_WIRE_LIMIT_MAX;
  char *rest = copy;
  for (char *pair = strsep(&rest, "&"); pair; pair = strsep(&rest, "&")) {
    if (*pair == '\0') continue;
    enum pm_err err = read_pair(pair, &request, why);
    if (err != PM_OK) return err;
  }
  *out = request;
  return PM_OK;
}
