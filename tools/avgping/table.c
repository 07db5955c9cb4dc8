#include "table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "base/escape.h"
#include "percentiles.h"

enum { LOCATION_COLUMN = 20 };

static void write_text(struct pm_buf *out, const char *text) {
  pm_escape_line(out, text, strlen(text));
}

static const char *without_scheme(const char *location) {
  static const char *const schemes[] = {"https://", "http://"};
  for (size_t i = 0; i < 2; i++) {
    size_t bytes = strlen(schemes[i]);
    if (strncmp(location, schemes[i], bytes) == 0) return location + bytes;
  }
  return location;
}

/* "SrvLoc host at IP has 3 " */
static void write_title(const struct avgping_options *options, const struct pm_peers_doc *doc,
                        size_t count, struct pm_buf *out) {
  write_text(out, doc->head.srv_loc);
  pm_buf_char(out, ' ');
  write_text(out, options->host);
  if (options->ip != NULL && options->ip[0] != '\0') {
    pm_buf_text(out, " at ");
    write_text(out, options->ip);
  }
  pm_buf_printf(out, " has %zu ", count);
}

static void write_age(struct pm_wall start, struct pm_wall now, struct pm_buf *out) {
  char age[PM_TIME_TEXT_BYTES];
  if (start.ns == 0) {
    pm_buf_text(out, "peers and started at an unknown time:\n");
    return;
  }
  pm_duration_text(now.ns / PM_NS_PER_S - start.ns / PM_NS_PER_S, age);
  pm_buf_printf(out, "peers and started %s ago:\n", age);
}

static void write_column_names(struct pm_buf *out) {
  pm_buf_printf(out, "%20s\t%s\t%s\t%s\t%12s\t%s\t%12s\t%s\n", "Location", "Pings", "Fails",
                "Start Time", "Duration", "msecRTT", "totalMs", "PeerIP or URL");
}

/* From the first ping to the latest; 0 if there is no latest (it never answered). */
static int64_t duration_s(const struct pm_peer_entry *peer) {
  if (peer->first_ping.ns == 0 || peer->latest_ping.ns == 0) return 0;
  return (peer->latest_ping.ns - peer->first_ping.ns) / PM_NS_PER_S;
}

static double mean_ms(int64_t sum_ns, int64_t pings) {
  return pings > 0 ? (double)sum_ns / PM_NS_PER_MS / (double)pings : 0;
}

void avgping_table_location(struct pm_buf *out, const struct pm_peer_entry *peer) {
  const char *location = without_scheme(peer->location);
  pm_escape_line_right(out, location, strlen(location), LOCATION_COLUMN);
}

void avgping_table_address(struct pm_buf *out, const struct pm_peer_entry *peer) {
  write_text(out, peer->peer_ip[0] != '\0' ? peer->peer_ip : " unknown ");
}

static void write_peer(struct pm_buf *out, const struct pm_peer_entry *peer) {
  char start[PM_TIME_TEXT_BYTES];
  char duration[PM_TIME_TEXT_BYTES];
  pm_wall_format(peer->first_ping, "%b %e %H:%M", start, sizeof(start));
  pm_duration_text(duration_s(peer), duration);
  avgping_table_location(out, peer);
  pm_buf_printf(out, "\t%" PRId64 "\t%" PRId64 "\t%s\t%12s\t%.3f\t%12.3f\t", peer->pings,
                peer->fails, start, duration, mean_ms(peer->totals.tcp_ns, peer->pings),
                mean_ms(peer->totals.total_ns, peer->pings));
  avgping_table_address(out, peer);
  pm_buf_char(out, '\n');
}

/* What a table is made of: the original's averages, or percentiles. */
struct rows {
  void (*names)(struct pm_buf *out);
  void (*row)(struct pm_buf *out, const struct pm_peer_entry *peer);
};
static const struct rows averages = {write_column_names, write_peer};
static const struct rows percentiles = {avgping_percentiles_names, avgping_percentiles_row};

/* By location; qsort promises no order among equals, so their place in the document decides. */
static int compare(const void *left, const void *right) {
  const struct pm_peer_entry *a = *(const struct pm_peer_entry *const *)left;
  const struct pm_peer_entry *b = *(const struct pm_peer_entry *const *)right;
  int order = strcmp(a->location, b->location);
  if (order != 0) return order;
  return (a > b) - (a < b);
}

static void write_sorted(const struct pm_peer_entry *peers, size_t count, const struct rows *rows,
                         struct pm_buf *out) {
  const struct pm_peer_entry *sorted[AVGPING_ENTRIES_MAX];
  for (size_t i = 0; i < count; i++) sorted[i] = &peers[i];
  qsort(sorted, count, sizeof(const struct pm_peer_entry *), compare);
  for (size_t i = 0; i < count; i++) rows->row(out, sorted[i]);
}

/* Says it where somebody asked for percentiles and finds dashes. */
static void write_note(const struct pm_peers_doc *doc, struct pm_buf *out) {
  size_t without = 0;
  for (size_t i = 0; i < doc->peers_count; i++) {
    without += !avgping_percentiles_there(&doc->peers[i]);
  }
  if (without == 0) return;
  pm_buf_printf(out,
                "No percentiles of %zu of them: nothing was measured in the last 10 minutes, or "
                "the node asked is an old one, which has none.\n",
                without);
}

void avgping_table_write(const struct avgping_options *options, const struct pm_peers_doc *doc,
                         struct pm_wall now, struct pm_buf *out) {
  const struct rows *rows = options->percentiles ? &percentiles : &averages;
  write_title(options, doc, doc->peers_count, out);
  write_age(doc->head.start, now, out);
  if (doc->peers_count > 0) {
    rows->names(out);
    write_sorted(doc->peers, doc->peers_count, rows, out);
  }
  if (options->percentiles) write_note(doc, out);
  if (!options->deleted || doc->deleted_count == 0) return;
  write_title(options, doc, doc->deleted_count, out);
  pm_buf_text(out, "deleted peers:\n");
  rows->names(out);
  for (size_t i = 0; i < doc->deleted_count; i++) rows->row(out, &doc->deleted[i]);
}

void avgping_table_write_json(const struct pm_peers_doc *doc, struct pm_buf *out) {
  struct pm_json_writer w;
  pm_json_writer_init(&w, out, true);
  pm_peers_doc_write(&w, doc);
  pm_buf_char(out, '\n');
}
