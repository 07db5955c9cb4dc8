#include "gossip/wire_pong.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossip/wire_text.h"

static void put(struct pm_buf *out, const char *name, const char *value) {
  pm_buf_text(out, name);
  pm_buf_text(out, value);
}

static void put_hex64(struct pm_buf *out, const char *name, uint64_t value) {
  char text[17];
  pm_wire_hex64(value, text);
  put(out, name, text);
}

static void put_hex(struct pm_buf *out, const char *name, const uint8_t bytes[16]) {
  char text[2 * 16 + 1];
  pm_wire_hex(bytes, 16, text);
  put(out, name, text);
}

static void put_number(struct pm_buf *out, const char *name, uint64_t value) {
  pm_buf_text(out, name);
  pm_wire_put_number(out, value);
}

static void put_coordinate(struct pm_buf *out, const struct pm_vivaldi *c) {
  const double values[] = {(double)c->at_ms[0], (double)c->at_ms[1], (double)c->at_ms[2],
                           (double)c->height_ms, (double)c->error};
  for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
    char text[PM_WIRE_FIXED_BYTES];
    pm_wire_fixed(values[i], 2, text);
    pm_buf_text(out, i == 0 ? "; at=" : ",");
    pm_buf_text(out, text);
  }
}

void pm_wire_pong_write(const struct pm_wire_pong *pong, struct pm_buf *out) {
  put_number(out, "v=", pong->version);
  put(out, "; mesh=", pong->mesh);
  put_hex(out, "; id=", pong->id.bytes);
  put_number(out, "; inc=", pong->inc);
  if (pong->has_nonce) put_hex64(out, "; n=", pong->nonce);
  if (pong->has_challenge) put_hex64(out, "; c=", pong->challenge);
  if (pong->has_mac) put_hex(out, "; mac=", pong->mac);
  if (pong->your_ip.family != PM_IP_NONE) {
    char ip[PM_IP_TEXT_BYTES];
    pm_ip_text(&pong->your_ip, ip);
    put(out, "; you=", ip);
  }
  if (pong->you_reach != PM_WIRE_REACH_UNKNOWN)
    put(out, "; reach=", pong->you_reach == PM_WIRE_REACH_YES ? "yes" : "no");
  if (pong->pace_s > 0) put_number(out, "; pace=", pong->pace_s);
  if (pong->has_coordinate) put_coordinate(out, &pong->coordinate);
}

static bool read_coordinate(char *text, struct pm_wire_pong *out) {
  float values[PM_VIVALDI_DIMENSIONS + 2];
  char *rest = text;
  for (size_t i = 0; i < PM_VIVALDI_DIMENSIONS + 2; i++) {
    char *item = strsep(&rest, ",");
    if (!item || *item == '\0') return false;
    char *end = NULL;
    values[i] = strtof(item, &end);
    if (*end != '\0') return false;
  }
  struct pm_vivaldi c = {.at_ms = {values[0], values[1], values[2]},
                         .height_ms = fmaxf(values[3], 0.01f),
                         .error = fmaxf(values[4], 0.001f)};
  if (rest || !pm_vivaldi_valid(&c)) return false;
  out->coordinate = c;
  return out->has_coordinate = true;
}

static bool read_reach(const char *text, struct pm_wire_pong *out) {
  if (strcmp(text, "yes") == 0)
    out->you_reach = PM_WIRE_REACH_YES;
  else if (strcmp(text, "no") == 0)
    out->you_reach = PM_WIRE_REACH_NO;
  else
    return false;
  return true;
}

static bool read_pace(const char *text, struct pm_wire_pong *out) {
  uint64_t pace;
  if (!pm_wire_number(text, UINT32_MAX, &pace)) return false;
  out->pace_s = pace > PM_WIRE_PACE_S_MAX ? PM_WIRE_PACE_S_MAX : (uint32_t)pace;
  return true;
}

static bool read_version(const char *text, struct pm_wire_pong *out) {
  uint64_t version;
  if (!pm_wire_number(text, 1000000, &version)) return false;
  out->version = (unsigned)version;
  return true;
}

static bool read_mesh(const char *text, struct pm_wire_pong *out) {
  if (!pm_mesh_name_valid(text)) return false;
  snprintf(out->mesh, sizeof out->mesh, "%s", text);
  return true;
}

static bool read_value(const char *name, char *value, struct pm_wire_pong *out) {
  if (strcmp(name, "v") == 0) return read_version(value, out);
  if (strcmp(name, "mesh") == 0) return read_mesh(value, out);
  if (strcmp(name, "id") == 0) return pm_wire_unhex(value, out->id.bytes, sizeof out->id.bytes);
  if (strcmp(name, "inc") == 0) return pm_wire_number(value, UINT64_MAX, &out->inc);
  if (strcmp(name, "n") == 0) return out->has_nonce = pm_wire_unhex64(value, &out->nonce);
  if (strcmp(name, "c") == 0) return out->has_challenge = pm_wire_unhex64(value, &out->challenge);
  if (strcmp(name, "mac") == 0)
    return out->has_mac = pm_wire_unhex(value, out->mac, sizeof out->mac);
  if (strcmp(name, "you") == 0) return pm_ip_parse(value, &out->your_ip) == PM_OK;
  if (strcmp(name, "reach") == 0) return read_reach(value, out);
  if (strcmp(name, "pace") == 0) return read_pace(value, out);
  if (strcmp(name, "at") == 0) return read_coordinate(value, out);
  return true;
}

enum pm_err pm_wire_pong_read(const char *value, struct pm_wire_pong *out) {
  char copy[PM_WIRE_PONG_BYTES_MAX + 1];
  size_t length = strlen(value);
  if (length > PM_WIRE_PONG_BYTES_MAX) return PM_ERR_TOO_LARGE;
  memcpy(copy, value, length + 1);
  struct pm_wire_pong pong = {0};
  char *rest = copy;
  for (char *pair = strsep(&rest, ";"); pair; pair = strsep(&rest, ";")) {
    pair += strspn(pair, " ");
    char *equals = strchr(pair, '=');
    if (*pair == '\0') continue;
    if (!equals) return PM_ERR_SYNTAX;
    *equals = '\0';
    if (!read_value(pair, equals + 1, &pong)) return PM_ERR_SYNTAX;
  }
  if (pong.version == 0 || pong.mesh[0] == '\0' || !pm_node_id_is_set(&pong.id))
    return PM_ERR_MISSING;
  *out = pong;
  return PM_OK;
}
