#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/json_read.h"
#include "gossip/wire_answer.h"
#include "gossip/wire_text.h"

/* A full entry of an old node has 30 values; ours fewer. The strings are URLs and names. */
static const struct pm_json_limits limits = {
    .bytes_max = PM_WIRE_OLD_READ_BYTES_MAX,
    .depth_max = 8,
    .items_max = (size_t)PM_WIRE_ENTRIES_MAX * 2 * 40,
    .string_bytes_max = 1024,
};

static const char *string_of(const struct pm_json *object, const char *name) {
  const char *text;
  return pm_json_string(pm_json_member(object, name), &text) == PM_OK ? text : "";
}

static int64_t number_of(const struct pm_json *object, const char *name, int64_t high,
                         int64_t otherwise) {
  int64_t value;
  return pm_json_int(pm_json_member(object, name), 0, high, &value) == PM_OK ? value : otherwise;
}

static void read_coordinate(const struct pm_json *array, struct pm_vivaldi *out, bool *out_has) {
  float values[PM_VIVALDI_DIMENSIONS + 2];
  const struct pm_json *item = pm_json_first(array);
  for (size_t i = 0; i < PM_VIVALDI_DIMENSIONS + 2; i++, item = pm_json_next(item)) {
    double value;
    if (!item || pm_json_double(item, &value) != PM_OK) return;
    values[i] = (float)value;
  }
  struct pm_vivaldi c = {.at_ms = {values[0], values[1], values[2]},
                         .height_ms = fmaxf(values[3], 0.01f),
                         .error = fmaxf(values[4], 0.001f)};
  if (!pm_vivaldi_valid(&c)) return;
  *out = c;
  *out_has = true;
}

static void copy_location(const char *text, char out[PM_WIRE_LOCATION_BYTES]) {
  snprintf(out, PM_WIRE_LOCATION_BYTES, "%s", text);
  pm_utf8_trim_cut(out);
}

static void read_entry_mesh(const struct pm_json *mesh, struct pm_wire_entry *out) {
  out->has_mesh = true;
  (void)pm_wire_read_id(string_of(mesh, "Id"), &out->id);
  out->age_s = (uint32_t)number_of(mesh, "Age", UINT32_MAX - 1, PM_WIRE_AGE_UNKNOWN);
  out->rtt_us = (uint32_t)number_of(mesh, "Rtt", UINT32_MAX, 0);
  out->depth = (uint8_t)number_of(mesh, "Depth", UINT8_MAX, PM_WIRE_DEPTH_USUAL);
  read_coordinate(pm_json_member(mesh, "Coord"), &out->coordinate, &out->has_coordinate);
}

/* Clocks are not synchronised: an old node's "now" is taken to be the latest ping in its list. */
static struct pm_wall latest_ping(const struct pm_json *entry) {
  struct pm_wall at = {0};
  const char *text = string_of(entry, "LatestPing");
  if (pm_wall_parse(text, &at) != PM_OK) at.ns = 0;
  return at;
}

static struct pm_wall newest_ping(const struct pm_json *peers) {
  struct pm_wall newest = {0};
  for (const struct pm_json *e = pm_json_first(peers); e; e = pm_json_next(e)) {
    struct pm_wall at = latest_ping(e);
    if (at.ns > newest.ns) newest = at;
  }
  return newest;
}

static bool read_old_age(const struct pm_json *entry, struct pm_wall newest,
                         struct pm_wire_entry *out) {
  if (number_of(entry, "Pings", INT64_C(1) << 53, 0) == 0) return false;
  struct pm_wall at = latest_ping(entry);
  int64_t age_s = (newest.ns - at.ns) / PM_NS_PER_S;
  out->age_s = at.ns == 0 || age_s >= UINT32_MAX ? PM_WIRE_AGE_UNKNOWN : (uint32_t)age_s;
  return true;
}

/* Only what can be a node of the mesh: a ping or peers URL. */
static bool read_entry(const struct pm_json *json, struct pm_wall newest,
                       struct pm_wire_entry *out) {
  if (!pm_json_is_object(json)) return false;
  *out = (struct pm_wire_entry){.age_s = PM_WIRE_AGE_UNKNOWN};
  const struct pm_json *mesh = pm_json_member(json, "Mesh");
  bool share = true;
  if (pm_json_bool(pm_json_member(mesh, "Share"), &share) == PM_OK && !share) return false;
  if (pm_contact_from_url(string_of(json, "Url"), string_of(json, "PeerIP"), &out->contact) !=
      PM_OK)
    return false;
  copy_location(string_of(json, "Location"), out->location);
  if (pm_json_is_object(mesh))
    read_entry_mesh(mesh, out);
  else
    return read_old_age(json, newest, out);
  return true;
}

static void read_entries(const struct pm_json *peers, struct pm_wire_answer *out) {
  struct pm_wall newest = out->node.version == 0 ? newest_ping(peers) : (struct pm_wall){0};
  for (const struct pm_json *e = pm_json_first(peers); e; e = pm_json_next(e)) {
    bool room = out->entries_count < out->entries_max;
    if (room && read_entry(e, newest, &out->entries[out->entries_count]))
      out->entries_count++;
    else
      out->skipped++;
  }
}

static void read_lost(const struct pm_json *lost, struct pm_wire_answer *out) {
  for (const struct pm_json *pair = pm_json_first(lost); pair; pair = pm_json_next(pair)) {
    const struct pm_json *hash = pm_json_first(pair);
    const struct pm_json *age = hash ? pm_json_next(hash) : NULL;
    const char *text;
    int64_t age_s;
    struct pm_wire_lost hint;
    if (out->lost_count == PM_WIRE_LOST_MAX) return;
    if (pm_json_string(hash, &text) != PM_OK || !pm_wire_unhex64(text, &hint.salted)) continue;
    if (pm_json_int(age, 0, UINT32_MAX, &age_s) != PM_OK) continue;
    hint.age_s = (uint32_t)age_s;
    out->lost[out->lost_count++] = hint;
  }
}

static bool read_hex64(const struct pm_json *mesh, const char *name, uint64_t *out) {
  return pm_wire_unhex64(string_of(mesh, name), out);
}

static void read_reach(const struct pm_json *mesh, struct pm_wire_pong *out) {
  bool reach;
  if (pm_json_bool(pm_json_member(mesh, "YouReach"), &reach) != PM_OK) return;
  out->you_reach = reach ? PM_WIRE_REACH_YES : PM_WIRE_REACH_NO;
}

static enum pm_err read_node(const struct pm_json *mesh, struct pm_wire_pong *out,
                             struct pm_why *why) {
  const char *name = string_of(mesh, "Name");
  out->version = (unsigned)number_of(mesh, "V", 1000000, 0);
  if (out->version == 0 || !pm_mesh_name_valid(name) ||
      !pm_wire_unhex(string_of(mesh, "Id"), out->id.bytes, sizeof out->id.bytes) ||
      !pm_node_id_is_set(&out->id))
    return pm_why_set(why, PM_ERR_TYPE, "the peers document's Mesh object names no node");
  snprintf(out->mesh, sizeof out->mesh, "%s", name);
  if (!pm_wire_number(string_of(mesh, "Inc"), UINT64_MAX, &out->inc)) out->inc = 0;
  out->has_nonce = read_hex64(mesh, "Nonce", &out->nonce);
  out->has_challenge = read_hex64(mesh, "Challenge", &out->challenge);
  out->has_mac = pm_wire_unhex(string_of(mesh, "Mac"), out->mac, sizeof out->mac);
  if (pm_ip_parse(string_of(mesh, "YourIP"), &out->your_ip) != PM_OK)
    out->your_ip = (struct pm_ip){.family = PM_IP_NONE};
  read_reach(mesh, out);
  out->pace_s = (uint32_t)number_of(mesh, "Pace", PM_WIRE_PACE_S_MAX, 0);
  read_coordinate(pm_json_member(mesh, "Coord"), &out->coordinate, &out->has_coordinate);
  return PM_OK;
}

static enum pm_err read_document(const struct pm_json *root, struct pm_wire_answer *out,
                                 struct pm_why *why) {
  const struct pm_json *peers = pm_json_member(root, "Peers");
  const struct pm_json *mesh = pm_json_member(root, "Mesh");
  if (!pm_json_is_object(root) || (!pm_json_is_array(peers) && !pm_json_is_null(peers)) ||
      !pm_json_member(root, "SrvLoc"))
    return pm_why_set(why, PM_ERR_TYPE, "this is no peers document");
  if (pm_json_is_object(mesh)) {
    enum pm_err err = read_node(mesh, &out->node, why);
    if (err != PM_OK) return err;
    out->total = (uint32_t)number_of(mesh, "Total", UINT32_MAX, 0);
    if (pm_json_bool(pm_json_member(mesh, "More"), &out->more) != PM_OK) out->more = false;
    read_lost(pm_json_member(mesh, "Lost"), out);
  }
  read_entries(peers, out);
  return PM_OK;
}

enum pm_err pm_wire_answer_read(const char *text, size_t bytes, struct pm_wire_answer *out,
                                struct pm_why *why) {
  struct pm_json_doc *doc;
  enum pm_err err = pm_json_parse(text, bytes, &limits, &doc, why);
  if (err != PM_OK) return err;
  struct pm_wire_answer answer = {
      .entries = out->entries, .entries_max = out->entries_max, .parts = 1};
  if (answer.entries_max > PM_WIRE_ENTRIES_MAX) answer.entries_max = PM_WIRE_ENTRIES_MAX;
  err = read_document(pm_json_root(doc), &answer, why);
  pm_json_free(doc);
  if (err != PM_OK) return err;
  answer.entries_max = out->entries_max;
  *out = answer;
  return PM_OK;
}
