#include <math.h>
#include <string.h>

#include "base/escape.h"
#include "base/json_walk.h"
#include "gossip/wire_answer.h"
#include "gossip/wire_row.h"
#include "gossip/wire_text.h"

enum {
  STRING_BYTES_MAX = 1024,
  TEXT_BYTES = STRING_BYTES_MAX + 1,
  ROW_BYTES_MAX = PM_WIRE_ROW_BYTES_MAX + 64, /* with the name of its node before it */
  DELAY_S_MAX = 86400,                        /* no node probes more rarely */
};

/* A full entry of an old node has 30 values; ours fewer. The strings are URLs, names, and rows. */
static const struct pm_json_limits limits = {
    .bytes_max = PM_WIRE_OLD_READ_BYTES_MAX,
    .depth_max = 8,
    .items_max = (size_t)PM_WIRE_ENTRIES_MAX * 2 * 40,
    .string_bytes_max = ROW_BYTES_MAX,
};

/* Of duplicate members the first counts. */
static bool first_of(unsigned *seen, unsigned member) {
  bool first = (*seen >> member & 1) == 0;
  *seen |= 1u << member;
  return first;
}

/* Which of the names the member has, if it is the first with it; count otherwise, and passed. */
static unsigned member_of(struct pm_json_walk *walk, const char *const *names, unsigned count,
                          unsigned *seen) {
  unsigned member = 0;
  while (member < count && !pm_json_walk_is(walk, names[member])) member++;
  if (member < count && first_of(seen, member)) return member;
  pm_json_walk_skip(walk);
  return count;
}

/* "" if it is no string. */
static void read_text(struct pm_json_walk *walk, char out[TEXT_BYTES]) {
  if (!pm_json_walk_string(walk, out, TEXT_BYTES)) out[0] = '\0';
}

static int64_t read_number(struct pm_json_walk *walk, int64_t high, int64_t otherwise) {
  int64_t value;
  return pm_json_walk_int(walk, 0, high, &value) ? value : otherwise;
}

static bool read_hex64(struct pm_json_walk *walk, uint64_t *out) {
  char text[TEXT_BYTES];
  read_text(walk, text);
  return pm_wire_unhex64(text, out);
}

static void read_coordinate(struct pm_json_walk *walk, struct pm_vivaldi *out, bool *out_has) {
  float values[PM_VIVALDI_DIMENSIONS + 2];
  size_t count = 0;
  bool numbers = true;
  if (!pm_json_walk_enter(walk, '[')) return;
  while (pm_json_walk_element(walk)) {
    double value = 0;
    if (count < PM_VIVALDI_DIMENSIONS + 2) {
      numbers &= pm_json_walk_double(walk, &value);
      values[count++] = (float)value;
    } else {
      pm_json_walk_skip(walk);
    }
  }
  if (!numbers || count < PM_VIVALDI_DIMENSIONS + 2) return;
  struct pm_vivaldi c = {.at_ms = {values[0], values[1], values[2]},
                         .height_ms = fmaxf(values[3], 0.01f),
                         .error = fmaxf(values[4], 0.001f)};
  if (!pm_vivaldi_valid(&c)) return;
  *out = c;
  *out_has = true;
}

/* --- an entry --------------------------------------------------------------------------------- */

/* What an entry says, before it is judged. */
struct said {
  char url[TEXT_BYTES], ip[TEXT_BYTES];
  struct pm_wall latest;                           /* of an old node's; 0: none */
  int64_t pings, fails, fails_max, limit, delay_s; /* an old node's statistics */
  int64_t sum_ns[PM_WIRE_OLD_SUM_COUNT];
  bool share, has_mesh;
};

static void read_location(struct pm_json_walk *walk, char out[PM_WIRE_LOCATION_BYTES]) {
  char text[TEXT_BYTES];
  read_text(walk, text);
  size_t length = strnlen(text, PM_WIRE_LOCATION_BYTES - 1);
  bool cut = text[length] != '\0';
  memcpy(out, text, length);
  out[length] = '\0';
  if (cut) pm_utf8_trim_cut(out);
}

static void read_latest(struct pm_json_walk *walk, struct pm_wall *out) {
  char text[TEXT_BYTES];
  read_text(walk, text);
  if (pm_wall_parse(text, out) != PM_OK) out->ns = 0;
}

static void read_entry_mesh(struct pm_json_walk *walk, struct said *said,
                            struct pm_wire_entry *out) {
  enum { ID, AGE, RTT, DEPTH, COORD, SHARE, COUNT };
  static const char *const names[COUNT] = {"Id", "Age", "Rtt", "Depth", "Coord", "Share"};
  unsigned seen = 0;
  if (!pm_json_walk_enter(walk, '{')) return;
  said->has_mesh = out->has_mesh = true;
  out->depth = PM_WIRE_DEPTH_USUAL;
  while (pm_json_walk_member(walk)) {
    char text[TEXT_BYTES];
    switch (member_of(walk, names, COUNT, &seen)) {
    case ID:
      read_text(walk, text);
      (void)pm_wire_read_id(text, &out->id);
      break;
    case AGE:
      out->age_s = (uint32_t)read_number(walk, UINT32_MAX - 1, PM_WIRE_AGE_UNKNOWN);
      break;
    case RTT:
      out->rtt_us = (uint32_t)read_number(walk, UINT32_MAX, 0);
      break;
    case DEPTH:
      out->depth = (uint8_t)read_number(walk, UINT8_MAX, PM_WIRE_DEPTH_USUAL);
      break;
    case COORD:
      read_coordinate(walk, &out->coordinate, &out->has_coordinate);
      break;
    case SHARE:
      if (!pm_json_walk_bool(walk, &said->share)) said->share = true;
      break;
    }
  }
}

/* Those of our own entries first: names are compared in this order. */
enum entry_member {
  URL,
  PEER_IP,
  LOCATION,
  MESH,
  LATEST,
  PINGS,
  FAILS,
  FAILS_MAX,
  LIMIT,
  DELAY,
  TOTALS,
  ENTRY_MEMBERS
};
static const char *const entry_names[ENTRY_MEMBERS] = {
    "Url",   "PeerIP",  "Location", "Mesh",  "LatestPing", "Pings",
    "Fails", "Maxfail", "Limit",    "Delay", "PingTotals"};

static void read_sums(struct pm_json_walk *walk, int64_t sums_ns[PM_WIRE_OLD_SUM_COUNT]) {
#define X(name, text) text,
  static const char *const names[] = {PM_WIRE_OLD_SUM_MAP(X)};
#undef X
  unsigned seen = 0;
  if (!pm_json_walk_enter(walk, '{')) return;
  while (pm_json_walk_member(walk)) {
    unsigned sum = member_of(walk, names, PM_WIRE_OLD_SUM_COUNT, &seen);
    if (sum < PM_WIRE_OLD_SUM_COUNT) sums_ns[sum] = read_number(walk, INT64_C(1) << 53, 0);
  }
}

static void read_statistic(struct pm_json_walk *walk, unsigned member, struct said *said) {
  switch (member) {
  case PINGS:
    said->pings = read_number(walk, INT64_C(1) << 53, 0);
    break;
  case FAILS:
    said->fails = read_number(walk, INT64_C(1) << 53, 0);
    break;
  case FAILS_MAX:
    said->fails_max = read_number(walk, INT32_MAX, 0);
    break;
  case LIMIT:
    said->limit = read_number(walk, INT32_MAX, 0);
    break;
  case TOTALS:
    read_sums(walk, said->sum_ns);
    break;
  case DELAY:
    said->delay_s = read_number(walk, DELAY_S_MAX, 0);
    break;
  }
}

static void read_said(struct pm_json_walk *walk, struct said *said, struct pm_wire_entry *out) {
  unsigned seen = 0;
  said->url[0] = said->ip[0] = '\0';
  said->latest.ns = 0;
  said->pings = said->fails = said->fails_max = said->limit = said->delay_s = 0;
  memset(said->sum_ns, 0, sizeof said->sum_ns);
  said->share = true;
  said->has_mesh = false;
  while (pm_json_walk_member(walk)) {
    unsigned member = member_of(walk, entry_names, ENTRY_MEMBERS, &seen);
    switch (member) {
    case URL:
      read_text(walk, said->url);
      break;
    case PEER_IP:
      read_text(walk, said->ip);
      break;
    case LOCATION:
      read_location(walk, out->location);
      break;
    case MESH:
      read_entry_mesh(walk, said, out);
      break;
    case LATEST:
      read_latest(walk, &said->latest);
      break;
    default:
      read_statistic(walk, member, said);
    }
  }
}

static bool take_old_age(const struct said *said, struct pm_wall newest,
                         struct pm_wire_entry *out) {
  if (said->pings == 0) return false;
  int64_t age_s = (newest.ns - said->latest.ns) / PM_NS_PER_S;
  out->age_s = said->latest.ns == 0 || age_s >= UINT32_MAX ? PM_WIRE_AGE_UNKNOWN : (uint32_t)age_s;
  return true;
}

/* Only what can be a node of the mesh: a ping or peers URL. */
static bool read_entry(struct pm_json_walk *walk, struct pm_wall newest, struct said *said,
                       struct pm_wire_entry *out) {
  if (!pm_json_walk_enter(walk, '{')) return false;
  *out = (struct pm_wire_entry){.age_s = PM_WIRE_AGE_UNKNOWN};
  read_said(walk, said, out);
  if (!said->share) return false;
  if (pm_contact_from_url(said->url, said->ip, &out->contact) != PM_OK) return false;
  return said->has_mesh || take_old_age(said, newest, out);
}

/* Clocks are not synchronised: an old node's "now" is taken to be the latest ping in its list. */
static struct pm_wall newest_ping(struct pm_json_walk walk) {
  static const char *const names[] = {"LatestPing"};
  struct pm_wall newest = {0};
  if (!pm_json_walk_enter(&walk, '[')) return newest;
  while (pm_json_walk_element(&walk)) {
    struct pm_wall at = {0};
    unsigned seen = 0;
    if (!pm_json_walk_enter(&walk, '{')) continue;
    while (pm_json_walk_member(&walk))
      if (member_of(&walk, names, 1, &seen) == 0) read_latest(&walk, &at);
    if (at.ns > newest.ns) newest = at;
  }
  return newest;
}

static void keep_old(const struct said *said, struct pm_wire_old *out) {
  *out = (struct pm_wire_old){.pings = said->pings, .fails = said->fails, .delay_s = said->delay_s};
  memcpy(out->sum_ns, said->sum_ns, sizeof out->sum_ns);
}

static void read_entries(struct pm_json_walk *walk, struct pm_wall newest,
                         struct pm_wire_answer *out) {
  struct said said;
  if (!pm_json_walk_enter(walk, '[')) return;
  while (pm_json_walk_element(walk)) {
    bool room = out->entries_count < out->entries_max;
    if (!room) pm_json_walk_skip(walk);
    if (!room || !read_entry(walk, newest, &said, &out->entries[out->entries_count])) {
      out->skipped++;
      continue;
    }
    if (out->old) keep_old(&said, &out->old[out->entries_count]);
    out->entries_count++;
  }
}

/* An old node deletes a peer when so many probes in a row have failed since its last answer; one
 * that reached its limit of pings is in the same list, and is as alive as before. */
static bool read_deleted(struct pm_json_walk *walk, struct pm_wall newest,
                         struct pm_wire_lost *out) {
  struct said said;
  struct pm_wire_entry told;
  if (!read_entry(walk, newest, &said, &told)) return false;
  bool done = said.limit > 0 && said.pings >= said.limit;
  if (done || said.fails == 0 || told.age_s == PM_WIRE_AGE_UNKNOWN) return false;
  int64_t in_a_row = said.fails_max;
  if (said.limit > 0 && said.limit < in_a_row) in_a_row = said.limit;
  int64_t failed_s = in_a_row * said.delay_s;
  out->salted = pm_contact_hash(&told.contact, 0);
  out->age_s = told.age_s > failed_s ? (uint32_t)(told.age_s - failed_s) : 0;
  return true;
}

static void read_all_deleted(struct pm_json_walk walk, struct pm_wall newest,
                             struct pm_wire_answer *out) {
  struct pm_wall latest = newest_ping(walk);
  if (latest.ns > newest.ns) newest = latest;
  if (!pm_json_walk_enter(&walk, '[')) return;
  while (pm_json_walk_element(&walk)) {
    struct pm_wire_lost hint;
    if (read_deleted(&walk, newest, &hint) && out->lost_count < PM_WIRE_HINTS_MAX)
      out->lost[out->lost_count++] = hint;
  }
}

/* --- the Mesh object -------------------------------------------------------------------------- */

/* [hash, age, …] */
static bool read_hint(struct pm_json_walk *walk, struct pm_wire_lost *out) {
  bool has_hash = false, has_age = false;
  int64_t age_s;
  if (!pm_json_walk_enter(walk, '[')) return false;
  for (unsigned i = 0; pm_json_walk_element(walk); i++) {
    if (i == 0)
      has_hash = read_hex64(walk, &out->salted);
    else if (i == 1)
      has_age = pm_json_walk_int(walk, 0, UINT32_MAX, &age_s);
    else
      pm_json_walk_skip(walk);
  }
  if (!has_hash || !has_age) return false;
  out->age_s = (uint32_t)age_s;
  return true;
}

static void read_lost(struct pm_json_walk *walk, struct pm_wire_answer *out) {
  if (!pm_json_walk_enter(walk, '[')) return;
  while (pm_json_walk_element(walk)) {
    struct pm_wire_lost hint;
    if (read_hint(walk, &hint) && out->lost_count < PM_WIRE_LOST_MAX)
      out->lost[out->lost_count++] = hint;
  }
}

/* ["host:port|ip", age_s, depth, …]: of a node of ours, which lists nodes only. */
static bool read_short_entry(struct pm_json_walk *walk, struct pm_wire_entry *out) {
  char text[TEXT_BYTES] = "";
  *out = (struct pm_wire_entry){
      .has_mesh = true, .age_s = PM_WIRE_AGE_UNKNOWN, .depth = PM_WIRE_DEPTH_USUAL};
  if (!pm_json_walk_enter(walk, '[')) return false;
  for (unsigned i = 0; pm_json_walk_element(walk); i++) {
    if (i == 0)
      read_text(walk, text);
    else if (i == 1)
      out->age_s = (uint32_t)read_number(walk, UINT32_MAX - 1, PM_WIRE_AGE_UNKNOWN);
    else if (i == 2)
      out->depth = (uint8_t)read_number(walk, UINT8_MAX, PM_WIRE_DEPTH_USUAL);
    else
      pm_json_walk_skip(walk);
  }
  return pm_contact_from_text(text, &out->contact) == PM_OK && out->contact.host[0] != '\0';
}

static void read_known(struct pm_json_walk *walk, struct pm_wire_answer *out) {
  if (!pm_json_walk_enter(walk, '[')) return;
  while (pm_json_walk_element(walk)) {
    bool room = out->entries_count < out->entries_max;
    if (!room) pm_json_walk_skip(walk);
    if (room && read_short_entry(walk, &out->entries[out->entries_count]))
      out->entries_count++;
    else
      out->skipped++;
  }
}

static void read_reach(struct pm_json_walk *walk, struct pm_wire_pong *out) {
  bool reach;
  if (pm_json_walk_bool(walk, &reach))
    out->you_reach = reach ? PM_WIRE_REACH_YES : PM_WIRE_REACH_NO;
}

/* The members of the Mesh object, those that are texts first. */
enum mesh_member {
  NAME,
  ID,
  INC,
  NONCE,
  CHALLENGE,
  MAC,
  YOUR_IP,
  TEXTS,
  VERSION = TEXTS,
  YOU_REACH,
  PACE,
  COORD,
  TOTAL,
  MORE,
  LOST,
  KNOWN,
  ROWS,
  MESH_MEMBERS
};

static void take_text(unsigned member, const char *text, struct pm_wire_pong *out) {
  switch (member) {
  case NAME:
    if (pm_mesh_name_valid(text)) memcpy(out->mesh, text, strlen(text) + 1);
    break;
  case ID:
    if (!pm_wire_unhex(text, out->id.bytes, sizeof out->id.bytes)) out->id = (struct pm_node_id){0};
    break;
  case INC:
    (void)pm_wire_number(text, UINT64_MAX, &out->inc);
    break;
  case NONCE:
    out->has_nonce = pm_wire_unhex64(text, &out->nonce);
    break;
  case CHALLENGE:
    out->has_challenge = pm_wire_unhex64(text, &out->challenge);
    break;
  case MAC:
    out->has_mac = pm_wire_unhex(text, out->mac, sizeof out->mac);
    break;
  case YOUR_IP:
    if (pm_ip_parse(text, &out->your_ip) != PM_OK) out->your_ip.family = PM_IP_NONE;
    break;
  }
}

/* As texts: whether they are rows is seen when they are taken. */
static void read_rows(struct pm_json_walk *walk, struct pm_buf *out) {
  char text[ROW_BYTES_MAX + 1];
  if (!pm_json_walk_enter(walk, '[')) return;
  for (unsigned i = 0; pm_json_walk_element(walk); i++) {
    bool wanted = out && i < PM_WIRE_ROWS_MAX;
    if (!wanted)
      pm_json_walk_skip(walk);
    else if (pm_json_walk_string(walk, text, sizeof text))
      pm_buf_append(out, text, strlen(text) + 1);
  }
}

static void take_member(struct pm_json_walk *walk, unsigned member, struct pm_wire_answer *out) {
  switch (member) {
  case VERSION:
    out->node.version = (unsigned)read_number(walk, 1000000, 0);
    break;
  case YOU_REACH:
    read_reach(walk, &out->node);
    break;
  case PACE:
    out->node.pace_s = (uint32_t)read_number(walk, PM_WIRE_PACE_S_MAX, 0);
    break;
  case COORD:
    read_coordinate(walk, &out->node.coordinate, &out->node.has_coordinate);
    break;
  case TOTAL:
    out->total = (uint32_t)read_number(walk, UINT32_MAX, 0);
    break;
  case MORE:
    (void)pm_json_walk_bool(walk, &out->more);
    break;
  case LOST:
    read_lost(walk, out);
    break;
  case ROWS:
    read_rows(walk, out->rows);
    break;
  case KNOWN:
    read_known(walk, out);
    break;
  }
}

static enum pm_err read_mesh(struct pm_json_walk *walk, struct pm_wire_answer *out,
                             struct pm_why *why) {
  static const char *const names[MESH_MEMBERS] = {
      "Name",     "Id",   "Inc",   "Nonce", "Challenge", "Mac",  "YourIP", "V",
      "YouReach", "Pace", "Coord", "Total", "More",      "Lost", "Known",  "Rows"};
  unsigned seen = 0;
  if (!pm_json_walk_enter(walk, '{')) return PM_OK; /* an old node's document */
  while (pm_json_walk_member(walk)) {
    char text[TEXT_BYTES];
    unsigned member = member_of(walk, names, MESH_MEMBERS, &seen);
    if (member < TEXTS) {
      read_text(walk, text);
      take_text(member, text, &out->node);
    } else {
      take_member(walk, member, out);
    }
  }
  const struct pm_wire_pong *node = &out->node;
  if (node->version == 0 || node->mesh[0] == '\0' || !pm_node_id_is_set(&node->id))
    return pm_why_set(why, PM_ERR_TYPE, "the peers document's Mesh object names no node");
  return PM_OK;
}

/* --- the document ----------------------------------------------------------------------------- */

enum document_member { PEERS, OF_MESH, DELETED, SRV_LOC, DOCUMENT_MEMBERS };

/* Where what an old node says begins; it is read once that is known. */
struct document {
  struct pm_json_walk peers, deleted;
  unsigned seen;
  bool malformed;
};

static enum pm_err read_part(struct pm_json_walk *walk, unsigned member, struct document *document,
                             struct pm_wire_answer *out, struct pm_why *why) {
  switch (member) {
  case PEERS:
    document->peers = *walk;
    document->malformed = !pm_json_walk_is_array(walk) && !pm_json_walk_is_null(walk);
    read_entries(walk, (struct pm_wall){0}, out);
    break;
  case OF_MESH:
    return read_mesh(walk, out, why);
  case DELETED:
    document->deleted = *walk;
    pm_json_walk_skip(walk);
    break;
  case SRV_LOC:
    pm_json_walk_skip(walk);
    break;
  }
  return PM_OK;
}

/* The Mesh object stands behind the entries and says how their ages are to be read: they are taken
 * for those of a node of ours first, as nearly all are, and an old node's are read again. */
static void read_old(const struct document *document, struct pm_wire_answer *out) {
  struct pm_json_walk peers = document->peers;
  bool listed = (document->seen >> PEERS & 1) != 0, deleted = (document->seen >> DELETED & 1) != 0;
  struct pm_wall newest = listed ? newest_ping(peers) : (struct pm_wall){0};
  out->entries_count = out->skipped = 0;
  if (listed) read_entries(&peers, newest, out);
  if (deleted) read_all_deleted(document->deleted, newest, out);
}

static enum pm_err read_document(struct pm_json_walk walk, struct pm_wire_answer *out,
                                 struct pm_why *why) {
  static const char *const names[DOCUMENT_MEMBERS] = {"Peers", "Mesh", "DelPeers", "SrvLoc"};
  struct document document = {.malformed = !pm_json_walk_enter(&walk, '{')};
  while (!document.malformed && pm_json_walk_member(&walk)) {
    unsigned member = member_of(&walk, names, DOCUMENT_MEMBERS, &document.seen);
    enum pm_err err = read_part(&walk, member, &document, out, why);
    if (err != PM_OK) return err;
  }
  if (document.malformed || (document.seen >> SRV_LOC & 1) == 0)
    return pm_why_set(why, PM_ERR_TYPE, "this is no peers document");
  if (out->node.version == 0) read_old(&document, out);
  return PM_OK;
}

enum pm_err pm_wire_answer_read(const char *text, size_t bytes, struct pm_wire_answer *out,
                                struct pm_why *why) {
  enum pm_err err = pm_json_check(text, bytes, &limits, why);
  if (err != PM_OK) return err;
  struct pm_wire_answer answer = {.entries = out->entries,
                                  .entries_max = out->entries_max,
                                  .rows = out->rows,
                                  .old = out->old,
                                  .parts = 1};
  if (out->rows) pm_buf_reset(out->rows);
  if (answer.entries_max > PM_WIRE_ENTRIES_MAX) answer.entries_max = PM_WIRE_ENTRIES_MAX;
  err = read_document(pm_json_walk_begin(text, bytes), &answer, why);
  if (err != PM_OK) return err;
  answer.entries_max = out->entries_max;
  *out = answer;
  return PM_OK;
}
