#include "gossip/peers_doc.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The members of each object, once: the reader and the writer walk the same lists, so that they
 * cannot drift apart. */
enum member_type { TEXT, TEXT_OR_NULL, INTEGER, TIME_SECONDS, TIME_FRACTION };

struct member {
  const char *name;
  enum member_type type;
  size_t at; /* offset of the field in its struct */
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

#define HEAD(name, type, field) \
  { name, type, offsetof(struct pm_peers_head, field) }
static const struct member head_members[] = {
    HEAD("Start", TIME_SECONDS, start),
    HEAD("SrvLoc", TEXT, srv_loc),
    HEAD("SrvHost", TEXT, srv_host),
    HEAD("SrvPort", INTEGER, srv_port),
};
static const struct member count_members[] = {
    HEAD("Requests", INTEGER, requests),
    HEAD("NumActive", INTEGER, num_active),
    HEAD("NumDeleted", INTEGER, num_deleted),
};
#undef HEAD

#define ENTRY(name, type, field) \
  { name, type, offsetof(struct pm_peer_entry, field) }
static const struct member entry_members[] = {
    ENTRY("Url", TEXT, url),
    ENTRY("Host", TEXT, host),
    ENTRY("Limit", INTEGER, limit),
    ENTRY("Delay", INTEGER, delay_s),
    ENTRY("Maxfail", INTEGER, fail_max),
    ENTRY("Location", TEXT, location),
    ENTRY("PeerIP", TEXT, peer_ip),
    ENTRY("FirstPing", TIME_SECONDS, first_ping),
    ENTRY("LatestPing", TIME_SECONDS, latest_ping),
    ENTRY("Pings", INTEGER, pings),
    ENTRY("Fails", INTEGER, fails),
};
#undef ENTRY

#define TOTALS(name, type, field) \
  { name, type, offsetof(struct pm_peer_totals, field) }
static const struct member totals_members[] = {
    TOTALS("Start", TIME_FRACTION, start),      TOTALS("DnsLk", INTEGER, dns_ns),
    TOTALS("TcpHs", INTEGER, tcp_ns),           TOTALS("TlsHs", INTEGER, tls_ns),
    TOTALS("Reply", INTEGER, reply_ns),         TOTALS("Close", INTEGER, close_ns),
    TOTALS("Total", INTEGER, total_ns),         TOTALS("DestUrl", TEXT_OR_NULL, dest_url),
    TOTALS("Location", TEXT_OR_NULL, location), TOTALS("Remote", TEXT, remote),
    TOTALS("RespCode", INTEGER, resp_code),     TOTALS("Size", INTEGER, size_bytes),
};
#undef TOTALS

/* The largest integer up to which every one is exact in a double (base/json_read.h). */
static const int64_t integer_max = (int64_t)1 << 53;

/* ---- reading ---- */

static enum pm_err read_text(const struct pm_json *json, const char **out) {
  const char *text;
  enum pm_err err = pm_json_string(json, &text);
  if (err != PM_OK) return err;
  if (strlen(text) > PM_PEERS_DOC_TEXT_BYTES_MAX) return PM_ERR_TOO_LARGE;
  *out = text;
  return PM_OK;
}

static enum pm_err read_time(const struct pm_json *json, struct pm_wall *out) {
  const char *text;
  enum pm_err err = pm_json_string(json, &text);
  return err == PM_OK ? pm_wall_parse(text, out) : err;
}

static enum pm_err read_member(const struct pm_json *json, enum member_type type, void *out) {
  switch (type) {
  case TEXT:
  case TEXT_OR_NULL:
    return read_text(json, out);
  case INTEGER:
    return pm_json_int(json, -integer_max, integer_max, out);
  case TIME_SECONDS:
  case TIME_FRACTION:
    return read_time(json, out);
  }
  return PM_ERR_TYPE;
}

/* What is absent or null keeps the value that base has, as in Go's reader. */
static enum pm_err read_members(const struct pm_json *object, const struct member *members,
                                size_t count, void *base, struct pm_why *why) {
  for (size_t i = 0; i < count; i++) {
    const struct pm_json *json = pm_json_member(object, members[i].name);
    enum pm_err err = read_member(json, members[i].type, (char *)base + members[i].at);
    if (err == PM_OK || err == PM_ERR_MISSING) continue;
    return pm_why_set(why, err, "%s is %s", members[i].name, pm_err_text(err));
  }
  return PM_OK;
}

static enum pm_err read_entry(const struct pm_json *json, struct pm_peer_entry *out) {
  struct pm_peer_entry entry = {.host = "", .location = "", .peer_ip = "", .totals.remote = ""};
  if (!pm_json_is_object(json)) return PM_ERR_TYPE;
  enum pm_err err = read_members(json, entry_members, COUNT(entry_members), &entry, NULL);
  if (err != PM_OK) return err;
  if (entry.url == NULL) return PM_ERR_MISSING;

  const struct pm_json *totals = pm_json_member(json, "PingTotals");
  if (!pm_json_is_null(totals)) {
    if (!pm_json_is_object(totals)) return PM_ERR_TYPE;
    err = read_members(totals, totals_members, COUNT(totals_members), &entry.totals, NULL);
    if (err != PM_OK) return err;
  }
  entry.mesh = pm_json_member(json, "Mesh");
  *out = entry;
  return PM_OK;
}

static size_t count_children(const struct pm_json *list) {
  size_t count = 0;
  for (const struct pm_json *at = pm_json_first(list); at != NULL; at = pm_json_next(at)) count++;
  return count;
}

static enum pm_err read_list(const struct pm_json *list, size_t entries_max,
                             struct pm_peer_entry **out, size_t *out_count, size_t *skipped) {
  size_t listed = count_children(list);
  size_t cap = listed < entries_max ? listed : entries_max;
  if (cap == 0) return PM_OK;
  struct pm_peer_entry *entries = calloc(cap, sizeof(*entries));
  if (entries == NULL) return PM_ERR_NOMEM;

  size_t count = 0;
  for (const struct pm_json *at = pm_json_first(list); at != NULL; at = pm_json_next(at)) {
    if (count < cap && read_entry(at, &entries[count]) == PM_OK) count++;
  }
  *out = entries;
  *out_count = count;
  *skipped += listed - count;
  return PM_OK;
}

/* A list is an array or null. */
static enum pm_err check_list(const struct pm_json *list, const char *name, struct pm_why *why) {
  if (pm_json_is_null(list) || pm_json_is_array(list)) return PM_OK;
  return pm_why_set(why, PM_ERR_TYPE, "%s is neither a list nor null", name);
}

static enum pm_err read_root(const struct pm_json *root, size_t entries_max,
                             struct pm_peers_doc *doc, struct pm_why *why) {
  const struct pm_json *peers = pm_json_member(root, "Peers");
  const struct pm_json *deleted = pm_json_member(root, "DelPeers");
  if (peers == NULL) return pm_why_set(why, PM_ERR_MISSING, "no peers document: it has no Peers");
  enum pm_err err = check_list(peers, "Peers", why);
  if (err == PM_OK) err = check_list(deleted, "DelPeers", why);
  if (err != PM_OK) return err;

  err = read_members(root, head_members, COUNT(head_members), &doc->head, why);
  if (err != PM_OK) return err;
  err = read_members(root, count_members, COUNT(count_members), &doc->head, why);
  if (err != PM_OK) return err;

  err = read_list(peers, entries_max, &doc->peers, &doc->peers_count, &doc->skipped);
  if (err == PM_OK)
    err = read_list(deleted, entries_max, &doc->deleted, &doc->deleted_count, &doc->skipped);
  return err == PM_OK ? PM_OK : pm_why_set(why, err, "%s", pm_err_text(err));
}

enum pm_err pm_peers_doc_read(const char *text, size_t bytes, struct pm_peers_doc *out,
                              struct pm_why *why) {
  static const struct pm_peers_doc_limits limits = {.bytes_max = PM_PEERS_DOC_BYTES_MAX,
                                                    .entries_max = PM_PEERS_DOC_ENTRIES_MAX,
                                                    .items_max = PM_PEERS_DOC_ITEMS_MAX};
  return pm_peers_doc_read_within(&limits, text, bytes, out, why);
}

enum pm_err pm_peers_doc_read_within(const struct pm_peers_doc_limits *limits, const char *text,
                                     size_t bytes, struct pm_peers_doc *out, struct pm_why *why) {
  /* One string may be as long as the document: an entry whose URL is too long is skipped like any
   * malformed one, and does not cost us the others. */
  const struct pm_json_limits json_limits = {.bytes_max = limits->bytes_max,
                                             .depth_max = PM_PEERS_DOC_DEPTH_MAX,
                                             .items_max = limits->items_max,
                                             .string_bytes_max = limits->bytes_max};
  struct pm_peers_doc doc = {.head.srv_loc = "", .head.srv_host = ""};
  enum pm_err err = pm_json_parse(text, bytes, &json_limits, &doc.json, why);
  if (err != PM_OK) return err;
  err = read_root(pm_json_root(doc.json), limits->entries_max, &doc, why);
  if (err != PM_OK) {
    pm_peers_doc_free(&doc);
    return err;
  }
  *out = doc;
  return PM_OK;
}

void pm_peers_doc_free(struct pm_peers_doc *doc) {
  free(doc->peers);
  free(doc->deleted);
  pm_json_free(doc->json);
  *doc = (struct pm_peers_doc){0};
}

/* ---- writing ---- */

/* An empty string stays one: only NULL is null, so that what was read is written as it was. */
static void write_text_or_null(struct pm_json_writer *w, const char *name, const char *text) {
  if (text == NULL) {
    pm_json_put_null(w, name);
  } else {
    pm_json_put_string(w, name, text);
  }
}

static void write_member(struct pm_json_writer *w, const struct member *member, const void *value) {
  switch (member->type) {
  case TEXT:
    pm_json_put_string(w, member->name, *(const char *const *)value);
    break;
  case TEXT_OR_NULL:
    write_text_or_null(w, member->name, *(const char *const *)value);
    break;
  case INTEGER:
    pm_json_put_int(w, member->name, *(const int64_t *)value);
    break;
  case TIME_SECONDS:
    pm_json_put_wall(w, member->name, *(const struct pm_wall *)value, false);
    break;
  case TIME_FRACTION:
    pm_json_put_wall(w, member->name, *(const struct pm_wall *)value, true);
    break;
  }
}

static void write_members(struct pm_json_writer *w, const struct member *members, size_t count,
                          const void *base) {
  for (size_t i = 0; i < count; i++) {
    write_member(w, &members[i], (const char *)base + members[i].at);
  }
}

void pm_peers_doc_begin(struct pm_json_writer *w, const struct pm_peers_head *head) {
  pm_json_object_begin(w, NULL);
  write_members(w, head_members, COUNT(head_members), head);
}

void pm_peers_doc_list_begin(struct pm_json_writer *w, const char *name, size_t count) {
  if (count == 0) {
    pm_json_put_null(w, name);
  } else {
    pm_json_array_begin(w, name);
  }
}

/* One object for all extensions of an entry; not there if there are none. */
static void write_mesh(struct pm_json_writer *w, const struct pm_peer_entry *entry) {
  if (entry->stats == NULL && !entry->unshared && !entry->paused) return;
  pm_json_object_begin(w, "Mesh");
  if (entry->unshared) pm_json_put_bool(w, "Share", false);
  if (entry->paused) pm_json_put_bool(w, "Paused", true);
  if (entry->stats != NULL) pm_stats_doc_write(w, entry->stats);
  pm_json_object_end(w);
}

void pm_peers_doc_entry(struct pm_json_writer *w, const struct pm_peer_entry *entry) {
  pm_json_object_begin(w, NULL);
  write_members(w, entry_members, COUNT(entry_members), entry);
  pm_json_object_begin(w, "PingTotals");
  write_members(w, totals_members, COUNT(totals_members), &entry->totals);
  pm_json_object_end(w);
  write_mesh(w, entry);
  pm_json_object_end(w);
}

void pm_peers_doc_list_end(struct pm_json_writer *w, size_t count) {
  if (count > 0) pm_json_array_end(w);
}

void pm_peers_doc_middle(struct pm_json_writer *w, const struct pm_peers_head *head) {
  write_members(w, count_members, COUNT(count_members), head);
}

void pm_peers_doc_end(struct pm_json_writer *w) {
  pm_json_object_end(w);
}

static void write_list(struct pm_json_writer *w, const char *name,
                       const struct pm_peer_entry *entries, size_t count) {
  pm_peers_doc_list_begin(w, name, count);
  for (size_t i = 0; i < count; i++) pm_peers_doc_entry(w, &entries[i]);
  pm_peers_doc_list_end(w, count);
}

void pm_peers_doc_write(struct pm_json_writer *w, const struct pm_peers_doc *doc) {
  pm_peers_doc_begin(w, &doc->head);
  write_list(w, "Peers", doc->peers, doc->peers_count);
  pm_peers_doc_middle(w, &doc->head);
  write_list(w, "DelPeers", doc->deleted, doc->deleted_count);
  pm_peers_doc_end(w);
}
