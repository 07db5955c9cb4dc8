#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json_write.h"
#include "gossip/wire_answer.h"
#include "gossip/wire_text.h"

enum {
  /* The longest entry and the longest tail (64 hints at 33 bytes each) of a compact document: the
   * list ends where less than both is left. */
  ENTRY_BYTES_MAX = 1024,
  TAIL_BYTES_MAX = 4096,
};

static void put_coordinate(struct pm_json_writer *w, const struct pm_vivaldi *c) {
  pm_json_array_begin(w, "Coord");
  for (int i = 0; i < PM_VIVALDI_DIMENSIONS; i++)
    pm_json_put_double(w, NULL, (double)c->at_ms[i], 1);
  pm_json_put_double(w, NULL, (double)c->height_ms, 1);
  pm_json_put_double(w, NULL, (double)c->error, 2);
  pm_json_array_end(w);
}

static void put_entry_mesh(struct pm_json_writer *w, const struct pm_wire_entry *entry) {
  pm_json_object_begin(w, "Mesh");
  if (pm_node_id_is_set(&entry->id)) {
    char id[PM_WIRE_ID_BYTES];
    pm_wire_id(&entry->id, id);
    pm_json_put_string(w, "Id", id);
  }
  if (entry->age_s != PM_WIRE_AGE_UNKNOWN) pm_json_put_uint(w, "Age", entry->age_s);
  if (entry->rtt_us > 0) pm_json_put_uint(w, "Rtt", entry->rtt_us);
  if (entry->depth != PM_WIRE_DEPTH_USUAL) pm_json_put_uint(w, "Depth", entry->depth);
  if (entry->has_coordinate) put_coordinate(w, &entry->coordinate);
  pm_json_object_end(w);
}

static void put_entry(struct pm_json_writer *w, const struct pm_wire_entry *entry) {
  char url[PM_CONTACT_URL_BYTES], ip[PM_IP_TEXT_BYTES];
  pm_contact_url(&entry->contact, url);
  pm_ip_text(&entry->contact.ip, ip);
  pm_json_object_begin(w, NULL);
  pm_json_put_string(w, "Url", url);
  /* Host is in the URL, and so is the address of a node without a name: left out of each of up to
   * 256 entries. */
  if (strcmp(ip, entry->contact.host) != 0) pm_json_put_string(w, "PeerIP", ip);
  pm_json_put_string(w, "Location", entry->location);
  put_entry_mesh(w, entry);
  pm_json_object_end(w);
}

/* ["host:port|ip", age_s, depth], without what can be told from the rest. */
static void put_short_entry(struct pm_json_writer *w, const struct pm_wire_entry *entry) {
  char text[PM_CONTACT_TEXT_BYTES];
  pm_contact_short_text(&entry->contact, text);
  bool usual = entry->depth == PM_WIRE_DEPTH_USUAL;
  pm_json_array_begin(w, NULL);
  pm_json_put_string(w, NULL, text);
  if (entry->age_s != PM_WIRE_AGE_UNKNOWN)
    pm_json_put_uint(w, NULL, entry->age_s);
  else if (!usual)
    pm_json_put_null(w, NULL);
  if (!usual) pm_json_put_uint(w, NULL, entry->depth);
  pm_json_array_end(w);
}

static void put_hex64(struct pm_json_writer *w, const char *name, uint64_t value) {
  char text[17];
  pm_wire_hex64(value, text);
  pm_json_put_string(w, name, text);
}

static void put_lost(struct pm_json_writer *w, const struct pm_wire_answer *answer) {
  if (answer->lost_count == 0) return;
  pm_json_array_begin(w, "Lost");
  for (size_t i = 0; i < answer->lost_count; i++) {
    pm_json_array_begin(w, NULL);
    put_hex64(w, NULL, answer->lost[i].salted);
    pm_json_put_uint(w, NULL, answer->lost[i].age_s);
    pm_json_array_end(w);
  }
  pm_json_array_end(w);
}

static void put_identity(struct pm_json_writer *w, const struct pm_wire_pong *node) {
  char id[PM_NODE_ID_TEXT_BYTES], inc[24];
  pm_wire_hex(node->id.bytes, sizeof node->id.bytes, id);
  snprintf(inc, sizeof inc, "%" PRIu64, node->inc);
  pm_json_put_uint(w, "V", node->version);
  pm_json_put_string(w, "Name", node->mesh);
  pm_json_put_string(w, "Id", id);
  pm_json_put_string(w, "Inc", inc);
  if (node->has_nonce) put_hex64(w, "Nonce", node->nonce);
  if (node->has_challenge) put_hex64(w, "Challenge", node->challenge);
  if (!node->has_mac) return;
  char mac[2 * PM_WIRE_MAC_BYTES + 1];
  pm_wire_hex(node->mac, sizeof node->mac, mac);
  pm_json_put_string(w, "Mac", mac);
}

static void put_caller(struct pm_json_writer *w, const struct pm_wire_pong *node) {
  if (node->your_ip.family != PM_IP_NONE) {
    char ip[PM_IP_TEXT_BYTES];
    pm_ip_text(&node->your_ip, ip);
    pm_json_put_string(w, "YourIP", ip);
  }
  if (node->you_reach != PM_WIRE_REACH_UNKNOWN)
    pm_json_put_bool(w, "YouReach", node->you_reach == PM_WIRE_REACH_YES);
  if (node->pace_s > 0) pm_json_put_uint(w, "Pace", node->pace_s);
}

typedef void put_entry_fn(struct pm_json_writer *w, const struct pm_wire_entry *entry);

/* The entries, as many as the size allows; false if some had to be left out. */
static bool put_entries(struct pm_json_writer *w, const struct pm_wire_answer *answer,
                        put_entry_fn *put) {
  size_t bytes_max = PM_WIRE_ANSWER_BYTES_MAX - ENTRY_BYTES_MAX - TAIL_BYTES_MAX;
  for (size_t i = 0; i < answer->entries_count; i++) {
    if (w->out->len > bytes_max) return false;
    put(w, &answer->entries[i]);
  }
  return true;
}

static bool put_known(struct pm_json_writer *w, const struct pm_wire_answer *answer) {
  if (answer->entries_count == 0) return true;
  pm_json_array_begin(w, "Known");
  bool whole = put_entries(w, answer, put_short_entry);
  pm_json_array_end(w);
  return whole;
}

/* As many as the size allows: what is left out comes with another pull. */
static void put_rows(struct pm_json_writer *w, const struct pm_buf *rows) {
  if (!rows || rows->len == 0 || pm_buf_status(rows) != PM_OK) return;
  pm_json_array_begin(w, "Rows");
  for (size_t at = 0; at < rows->len; at += strlen(rows->data + at) + 1) {
    const char *row = rows->data + at;
    if (w->out->len + strlen(row) + ENTRY_BYTES_MAX > PM_WIRE_ANSWER_BYTES_MAX) break;
    pm_json_put_string(w, NULL, row);
  }
  pm_json_array_end(w);
}

static void put_mesh(struct pm_json_writer *w, const struct pm_wire_answer *answer, bool whole) {
  char part[24];
  snprintf(part, sizeof part, "%u.%u", answer->part, answer->parts);
  pm_json_object_begin(w, "Mesh");
  put_identity(w, &answer->node);
  pm_json_put_uint(w, "Total", answer->total);
  if (answer->parts > 1) pm_json_put_string(w, "Part", part);
  if (answer->node.has_coordinate) put_coordinate(w, &answer->node.coordinate);
  put_caller(w, &answer->node);
  put_lost(w, answer);
  put_rows(w, answer->rows);
  if (answer->short_entries) whole &= put_known(w, answer);
  if (answer->more || !whole) pm_json_put_bool(w, "More", true);
  pm_json_object_end(w);
}

void pm_wire_answer_write(const struct pm_wire_answer *answer, const struct pm_peers_head *head,
                          struct pm_buf *out) {
  struct pm_json_writer w;
  pm_json_writer_init(&w, out, false);
  pm_peers_doc_begin(&w, head);
  size_t listed = answer->short_entries ? 0 : answer->entries_count;
  pm_peers_doc_list_begin(&w, "Peers", listed);
  bool whole = listed == 0 || put_entries(&w, answer, put_entry);
  pm_peers_doc_list_end(&w, listed);
  pm_peers_doc_middle(&w, head);
  pm_json_put_null(&w, "DelPeers");
  put_mesh(&w, answer, whole);
  pm_peers_doc_end(&w);
}

static void put_old_entry(struct pm_json_writer *w, const struct pm_wire_entry *entry,
                          pm_wire_fill_fn *fill, void *ctx) {
  char url[PM_CONTACT_URL_BYTES], host[PM_CONTACT_TEXT_BYTES], ip[PM_IP_TEXT_BYTES];
  pm_contact_url(&entry->contact, url);
  pm_contact_host_port(&entry->contact, host);
  pm_ip_text(&entry->contact.ip, ip);
  struct pm_peer_entry old = {
      .url = url,
      .host = host,
      .location = entry->location,
      .peer_ip = ip,
      .delay_s = 10,
      .fail_max = 100,
      .totals = {.dest_url = url, .location = entry->location, .remote = ip}};
  if (fill) fill(ctx, entry, &old);
  pm_peers_doc_entry(w, &old);
}

void pm_wire_answer_write_old(const struct pm_wire_answer *answer, const struct pm_peers_head *head,
                              pm_wire_fill_fn *fill, void *ctx, struct pm_buf *out) {
  struct pm_json_writer w;
  pm_json_writer_init(&w, out, true);
  pm_peers_doc_begin(&w, head);
  pm_peers_doc_list_begin(&w, "Peers", answer->entries_count);
  for (size_t i = 0; i < answer->entries_count; i++)
    put_old_entry(&w, &answer->entries[i], fill, ctx);
  pm_peers_doc_list_end(&w, answer->entries_count);
  pm_peers_doc_middle(&w, head);
  pm_json_put_null(&w, "DelPeers");
  pm_peers_doc_end(&w);
}
