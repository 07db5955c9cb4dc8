/* The `/v1/peers` document of the original: read from old and new nodes, and written so that old
 * nodes take it. Pure. Extensions of ours go into nested "Mesh" objects only: the old reader
 * matches names without case and fails the whole document on a wrong type.
 *
 *   { Start, SrvLoc, SrvHost, SrvPort, Peers[]|null, Requests, NumActive, NumDeleted,
 *     DelPeers[]|null }
 */
#ifndef PM_GOSSIP_PEERS_DOC_H
#define PM_GOSSIP_PEERS_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "gossip/stats_doc.h"

enum {
  PM_PEERS_DOC_BYTES_MAX = 1 << 20,   /* an old node with 1,000 peers sends 729 kB */
  PM_PEERS_DOC_ENTRIES_MAX = 1000,    /* of Peers, and of DelPeers; more are counted and left out */
  PM_PEERS_DOC_TEXT_BYTES_MAX = 2048, /* of one text: more than twice the longest URL we take */
  PM_PEERS_DOC_DEPTH_MAX = 16,        /* ours has 4; the rest is for what a later node nests */
  PM_PEERS_DOC_ITEMS_MAX = 1 << 16,   /* the bytes hold 1,600 whole entries of 26; ~8 MB parsed */
};

/* Sums over the pings, in whole nanoseconds. */
struct pm_peer_totals {
  struct pm_wall start;
  int64_t dns_ns, tcp_ns, tls_ns, reply_ns, close_ns, total_ns;
  const char *dest_url, *location; /* NULL: null */
  const char *remote;
  int64_t resp_code;
  int64_t size_bytes;
};

/* Strings are borrowed: from the document when read, from the caller when written. Never NULL
 * unless said so. What is read has the right types and nothing more: a URL may be empty or no URL
 * (old nodes list such), an address no address, a number negative. Who uses one checks it. */
struct pm_peer_entry {
  const char *url, *host;
  int64_t limit, delay_s, fail_max;
  const char *location, *peer_ip;
  struct pm_wall first_ping, latest_ping;
  int64_t pings, fails;
  struct pm_peer_totals totals;
  const struct pm_json *mesh; /* as read: our extensions, NULL if there are none */
  bool unshared; /* to be written: a local affair, which readers of ours pass over. Never read */
  bool paused;   /* to be written: an operator stopped its probing. Never read */
  const struct pm_stats_doc *stats; /* to be written as an extension; NULL: none. Never read */
};

struct pm_peers_head {
  struct pm_wall start;
  const char *srv_loc, *srv_host;
  int64_t srv_port;
  int64_t requests, num_active, num_deleted;
};

struct pm_peers_doc {
  struct pm_peers_head head;
  struct pm_peer_entry *peers, *deleted;
  size_t peers_count, deleted_count;
  size_t skipped; /* entries that were malformed or beyond the maximum */
  struct pm_json_doc *json;
};

/* A malformed entry (no Url, a member of another type, a text or number beyond its limit) is
 * skipped and counted; a document that is no peers document (no Peers member, SrvLoc of another
 * type …) is refused with a sentence: PM_ERR_SYNTAX, _TYPE, _MISSING, _RANGE, _TOO_LARGE, _NOMEM.
 * Members that are absent or null read as "", 0 or "never"; unknown ones are passed over. */
enum pm_err pm_peers_doc_read(const char *text, size_t bytes, struct pm_peers_doc *out,
                              struct pm_why *why) PM_MUST_USE;
/* The same with other limits than those above, for who asks one node only and trusts it more. */
struct pm_peers_doc_limits {
  size_t bytes_max;   /* also of one string: an entry whose URL is too long is skipped alone */
  size_t entries_max; /* of Peers, and of DelPeers */
  size_t items_max;
};
enum pm_err pm_peers_doc_read_within(const struct pm_peers_doc_limits *limits, const char *text,
                                     size_t bytes, struct pm_peers_doc *out,
                                     struct pm_why *why) PM_MUST_USE;
/* Of all zeroes, and freed already, is fine. */
void pm_peers_doc_free(struct pm_peers_doc *doc);

/* Writing: begin, then each list (begun and ended, or as null where it is empty), then end.
 *   pm_peers_doc_begin(&w, &head);
 *   pm_peers_doc_list_begin(&w, "Peers", count);
 *   pm_peers_doc_entry(&w, &entry); …
 *   pm_peers_doc_list_end(&w, count);
 *   pm_peers_doc_middle(&w, &head);              (Requests, NumActive, NumDeleted)
 *   … "DelPeers" …
 *   pm_peers_doc_end(&w);
 */
void pm_peers_doc_begin(struct pm_json_writer *w, const struct pm_peers_head *head);
void pm_peers_doc_list_begin(struct pm_json_writer *w, const char *name, size_t count);
void pm_peers_doc_entry(struct pm_json_writer *w, const struct pm_peer_entry *entry);
void pm_peers_doc_list_end(struct pm_json_writer *w, size_t count);
void pm_peers_doc_middle(struct pm_json_writer *w, const struct pm_peers_head *head);
void pm_peers_doc_end(struct pm_json_writer *w);
/* All of the above for a document at hand: what was read, in canonical form. */
void pm_peers_doc_write(struct pm_json_writer *w, const struct pm_peers_doc *doc);

#endif
