#include "node/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "gossip/wire_text.h"
#include "node/history_reports.h"

enum {
  MINUTE_MS = 60 * 1000,
  AFTER_MS = 200, /* of a minute's end, so that whatever ended in it has been recorded */
};

static const int64_t MINUTE_NS = INT64_C(60) * PM_NS_PER_S;

/* How far a target's minutes have been taken. */
struct cursor {
  uint64_t target;
  int64_t last; /* minute of the monotonic clock */
};

struct pm_history_feed {
  struct pm_history_feed_config config;
  struct pm_store *store;
  uv_timer_t timer;
  char own_key[PM_WIRE_ID_BYTES];
  struct cursor *cursors; /* ascending by target */
  size_t count, max;
  int64_t reported; /* minute of the calendar up to which reports have been put */
  int open;         /* timer and store, not closed yet */
  void (*closed)(void *owner);
  void *closed_owner;
};

/* --- one minute ---------------------------------------------------------------------------------
 */

static int64_t wall_minute(int64_t minute) {
  int64_t offset_ns = pm_clock_wall().ns - pm_clock_now().ns;
  return (minute * MINUTE_NS + offset_ns + MINUTE_NS / 2) / MINUTE_NS;
}

struct names {
  char key[PM_URL_BYTES], url[PM_URL_BYTES];
};

/* An address of its own makes another endpoint of the same URL. */
static void fill_names(const struct pm_history_feed *feed, const struct pm_target *target,
                       struct names *out) {
  const struct pm_endpoint *endpoint = &target->spec.endpoint;
  struct pm_gossip_member member;
  char ip[PM_IP_TEXT_BYTES] = "";
  bool other = endpoint->ip_override.family != PM_IP_NONE;
  if (other) pm_ip_text(&endpoint->ip_override, ip);
  snprintf(out->url, sizeof(out->url), "%.700s%s%s", endpoint->url, other ? "|" : "", ip);
  snprintf(out->key, sizeof(out->key), "%s", out->url);
  const struct pm_gossip *core = feed->config.core(feed->config.owner);
  if (core == NULL || target->spec.member == 0) return;
  if (pm_gossip_get(core, target->spec.member, &member) && pm_node_id_is_set(&member.id))
    pm_wire_id(&member.id, out->key);
}

static void put(struct pm_history_feed *feed, const struct pm_target *target,
                const struct pm_window_minute *minute) {
  struct names names;
  fill_names(feed, target, &names);
  struct pm_store_minute one = {
      .from = {feed->own_key, "", feed->config.identity->location},
      .to = {names.key, names.url, pm_target_location(target)},
      .minute = wall_minute(minute->minute),
      .bytes = minute->bytes,
      .count = minute->count,
  };
  enum pm_err err = pm_store_put(feed->store, &one);
  (void)err; /* counted there */
}

/* A target without further samples closes no minute by itself: its open one is taken once it is
 * over, or ends with it. */
static void put_open(struct pm_history_feed *feed, const struct pm_target *target, int64_t before,
                     struct cursor *cursor) {
  struct pm_slot slot = {0};
  struct pm_window_minute minute;
  uint8_t *bytes = NULL;
  enum pm_err err = pm_window_open_minute(&target->stats.window, &minute.minute, &slot);
  if (err == PM_OK && minute.minute > cursor->last && minute.minute < before &&
      pm_slot_pack(&slot, &bytes, &minute.count) == PM_OK) {
    minute.bytes = bytes;
    put(feed, target, &minute);
    cursor->last = minute.minute;
  }
  free(bytes);
  pm_slot_deinit(&slot);
}

static void take(struct pm_history_feed *feed, const struct pm_target *target, int64_t before,
                 struct cursor *cursor) {
  struct pm_window_minute minute;
  while (pm_window_next_minute(&target->stats.window, cursor->last, &minute)) {
    put(feed, target, &minute);
    cursor->last = minute.minute;
  }
  put_open(feed, target, before, cursor);
}

/* --- all of them --------------------------------------------------------------------------------
 */

static bool reserve(struct pm_history_feed *feed, size_t count) {
  if (count <= feed->max) return true;
  struct cursor *grown = realloc(feed->cursors, (count + count / 2) * sizeof(*grown));
  if (grown == NULL) return false;
  feed->cursors = grown;
  feed->max = count + count / 2;
  return true;
}

/* Makes the cursors those of the roster's targets, both ascending by id: those that went are
 * dropped, new ones come at the end, for ids only grow. */
static bool follow_roster(struct pm_history_feed *feed, const struct pm_roster *roster) {
  size_t count = pm_roster_count(roster), at = 0;
  if (!reserve(feed, count)) return false;
  for (size_t i = 0; i < count; i++) {
    uint64_t id = pm_roster_at(roster, i)->id;
    while (at < feed->count && feed->cursors[at].target < id) at++;
    bool known = at < feed->count && feed->cursors[at].target == id;
    feed->cursors[i] = known ? feed->cursors[at] : (struct cursor){id, INT64_MIN};
    at += known;
  }
  feed->count = count;
  return true;
}

static struct cursor *find(const struct pm_history_feed *feed, uint64_t target) {
  for (size_t low = 0, high = feed->count; low < high;) {
    size_t middle = low + (high - low) / 2;
    if (feed->cursors[middle].target == target) return &feed->cursors[middle];
    if (feed->cursors[middle].target < target)
      low = middle + 1;
    else
      high = middle;
  }
  return NULL;
}

static void on_timer(uv_timer_t *timer);

static void arm(struct pm_history_feed *feed) {
  uint64_t now_ms = (uint64_t)(pm_clock_now().ns / PM_NS_PER_MS);
  uv_timer_start(&feed->timer, on_timer, MINUTE_MS - now_ms % MINUTE_MS + AFTER_MS, 0);
}

static int64_t last_report_end(void) {
  int64_t minute = pm_clock_wall().ns / MINUTE_NS;
  return minute - minute % PM_HISTORY_REPORT_MIN;
}

/* Ten minutes of the calendar are over; of those in which this node began it knows enough, for the
 * rows tell of all of them. */
static void put_reports(struct pm_history_feed *feed) {
  const struct pm_history_feed_config *config = &feed->config;
  const struct pm_matrix *matrix = config->matrix ? config->matrix(config->owner) : NULL;
  int64_t end = last_report_end();
  if (matrix == NULL || config->id == NULL || end == feed->reported) return;
  pm_history_reports_put(feed->store, matrix, config->core(config->owner), config->id,
                         pm_clock_now(), end - PM_HISTORY_REPORT_MIN);
  feed->reported = end;
}

static void on_timer(uv_timer_t *timer) {
  struct pm_history_feed *feed = timer->data;
  const struct pm_roster *roster = pm_prober_roster(feed->config.prober);
  int64_t now = pm_clock_now().ns / MINUTE_NS;
  if (follow_roster(feed, roster))
    for (size_t i = 0; i < feed->count; i++)
      take(feed, pm_roster_at(roster, i), now, &feed->cursors[i]);
  put_reports(feed);
  pm_store_commit(feed->store);
  arm(feed);
}

void pm_history_feed_ended(struct pm_history_feed *feed, const struct pm_target *target) {
  struct cursor none = {target->id, INT64_MIN};
  if (feed == NULL) return;
  struct cursor *known = find(feed, target->id);
  /* One that was given up may go on: it must not bring its minute twice. */
  if (known == NULL && follow_roster(feed, pm_prober_roster(feed->config.prober)))
    known = find(feed, target->id);
  take(feed, target, INT64_MAX, known ? known : &none);
}

/* --- life ---------------------------------------------------------------------------------------
 */

static bool is_kept(const struct pm_options *options) {
  return options->state_dir != NULL || options->listen_port != 0;
}

static void fill_own_key(struct pm_history_feed *feed) {
  snprintf(feed->own_key, sizeof(feed->own_key), "self");
  if (feed->config.id) pm_wire_id(feed->config.id, feed->own_key);
}

enum pm_err pm_history_feed_open(uv_loop_t *loop, const struct pm_history_feed_config *config,
                                 struct pm_history_feed **out) {
  const struct pm_options *options = config->options;
  *out = NULL;
  if (!is_kept(options)) return PM_OK;
  struct pm_history_feed *feed = calloc(1, sizeof(*feed));
  if (feed == NULL) return PM_ERR_NOMEM;
  struct pm_store_config store = {
      .dir = options->state_dir, .max_mb = options->state_max_mb, .log = config->log};
  feed->config = *config;
  enum pm_err err = pm_store_open(loop, &store, &feed->store);
  if (err != PM_OK) {
    free(feed);
    return err;
  }
  if (!options->state_dir)
    pm_log(config->log, PM_LOG_DEBUG, "history: kept in memory, for a day; --state-dir keeps it");
  fill_own_key(feed);
  feed->reported = last_report_end();
  uv_timer_init(loop, &feed->timer);
  feed->timer.data = feed;
  arm(feed);
  *out = feed;
  return PM_OK;
}

static void part_closed(struct pm_history_feed *feed) {
  if (--feed->open > 0) return;
  void (*closed)(void *owner) = feed->closed;
  void *owner = feed->closed_owner;
  free(feed->cursors);
  free(feed);
  closed(owner);
}

static void on_timer_closed(uv_handle_t *handle) {
  part_closed(handle->data);
}

static void on_store_closed(void *owner) {
  part_closed(owner);
}

void pm_history_feed_close(struct pm_history_feed *feed, void (*closed)(void *owner), void *owner) {
  if (feed == NULL) {
    closed(owner);
    return;
  }
  feed->closed = closed;
  feed->closed_owner = owner;
  feed->open = 2;
  uv_close((uv_handle_t *)&feed->timer, on_timer_closed);
  pm_store_close(feed->store, on_store_closed, feed);
}

struct pm_store *pm_history_feed_store(struct pm_history_feed *feed) {
  return feed ? feed->store : NULL;
}

/* What people call a member: its URL, or its host and port. */
static bool read_contact(const char *text, struct pm_contact *out) {
  char host_port[PM_CONTACT_TEXT_BYTES];
  if (pm_contact_from_url(text, NULL, out) == PM_OK) return true;
  int length = snprintf(host_port, sizeof(host_port), "%s|", text);
  return length < (int)sizeof(host_port) && pm_contact_from_text(host_port, out) == PM_OK;
}

static const struct pm_target *target_called(const struct pm_history_feed *feed, const char *text,
                                             bool key, struct names *out) {
  const struct pm_roster *roster = pm_prober_roster(feed->config.prober);
  for (size_t i = 0; i < pm_roster_count(roster); i++) {
    const struct pm_target *target = pm_roster_at(roster, i);
    if (!key && strcmp(target->spec.endpoint.url, text) != 0) continue;
    fill_names(feed, target, out);
    if (!key || strcmp(out->key, text) == 0) return target;
  }
  return NULL;
}

static bool member_called(const struct pm_history_feed *feed, const char *text,
                          struct pm_gossip_member *out) {
  const struct pm_gossip *core = feed->config.core(feed->config.owner);
  struct pm_contact called;
  uint32_t cursor = 0;
  if (core == NULL || !read_contact(text, &called)) return false;
  while (pm_gossip_next(core, &cursor, out)) {
    const struct pm_contact *contact = &out->contact;
    if (pm_node_id_is_set(&out->id) && contact->port == called.port &&
        strcmp(contact->host, called.host) == 0)
      return true;
  }
  return false;
}

void pm_history_feed_key_of(const struct pm_history_feed *feed, const char *text, char *out) {
  struct pm_gossip_member member;
  struct names names;
  if (text[0] == '\0' || strcmp(text, "self") == 0)
    snprintf(out, PM_STORE_KEY_BYTES, "%s", feed->own_key);
  else if (target_called(feed, text, false, &names) != NULL)
    snprintf(out, PM_STORE_KEY_BYTES, "%s", names.key);
  else if (member_called(feed, text, &member))
    pm_wire_id(&member.id, out);
  else
    snprintf(out, PM_STORE_KEY_BYTES, "%s", text);
}

static bool is_member(const struct pm_history_feed *feed, const char *key) {
  const struct pm_gossip *core = feed->config.core(feed->config.owner);
  struct pm_gossip_member member;
  char text[PM_WIRE_ID_BYTES];
  uint32_t cursor = 0;
  while (core != NULL && pm_gossip_next(core, &cursor, &member)) {
    if (!pm_node_id_is_set(&member.id)) continue;
    pm_wire_id(&member.id, text);
    if (strcmp(text, key) == 0) return true;
  }
  return false;
}

bool pm_history_feed_knows(const struct pm_history_feed *feed, const char *key, bool as_end) {
  struct names names;
  if (strcmp(key, feed->own_key) == 0 || is_member(feed, key)) return true;
  return as_end && target_called(feed, key, true, &names) != NULL;
}

enum pm_err pm_history_feed_open_minute(const struct pm_history_feed *feed, const char *key,
                                        int64_t *out_minute, uint8_t **out, size_t *out_count) {
  struct pm_slot slot = {0};
  struct names names;
  int64_t minute;
  const struct pm_target *target = target_called(feed, key, true, &names);
  if (target == NULL) return PM_ERR_MISSING;
  const struct cursor *cursor = find(feed, target->id);
  enum pm_err err = pm_window_open_minute(&target->stats.window, &minute, &slot);
  if (err == PM_OK && cursor != NULL && minute <= cursor->last) err = PM_ERR_MISSING;
  if (err == PM_OK) err = pm_slot_pack(&slot, out, out_count);
  if (err == PM_OK) *out_minute = wall_minute(minute);
  pm_slot_deinit(&slot);
  return err;
}

const char *pm_history_feed_own_key(const struct pm_history_feed *feed) {
  return feed->own_key;
}

const char *pm_history_feed_own_location(const struct pm_history_feed *feed) {
  return feed->config.identity->location;
}
