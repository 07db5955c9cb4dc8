/* The answer to a pull: the `/v1/peers` document, ours or an old node's: bytes to struct and back.
 * Pure. What we add stands in nested "Mesh" objects, one at the top and one in each entry, so that
 * an old reader takes the document, too.
 *
 * An entry's Id is base64url (22 characters; hex is read, too), and a Depth of 1 is left out. Who
 * asks for short entries gets them as "Known" in the upper Mesh object instead of "Peers": most of
 * the bytes between nodes are entries, and what else there is to say of one its own handshake says.
 *
 *   { Start, SrvLoc, SrvHost, SrvPort,
 *     "Peers": [ { Url, PeerIP, Location, "Mesh": {"Id","Age","Rtt","Depth","Coord"} } ],
 *     Requests, NumActive, NumDeleted, DelPeers,
 *     "Mesh": { "V","Name","Id","Inc","Nonce","Challenge","Mac","Total","Part","More","Coord",
 *               "YourIP","YouReach","Pace","Lost":[["<16hex>", age_s], …],
 *               "Known":[["host:port|ip", age_s], ["ip:port", age_s, depth], …],
 *               "Rows":["<row of another node, see wire_row.h>", …] } }
 */
#ifndef PM_GOSSIP_WIRE_ANSWER_H
#define PM_GOSSIP_WIRE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/node_id.h"
#include "gossip/contact.h"
#include "gossip/peers_doc.h"
#include "gossip/vivaldi.h"
#include "gossip/wire_pong.h"

enum {
  PM_WIRE_ANSWER_BYTES_MAX = 64 * 1024,       /* what we send to nodes of ours */
  PM_WIRE_ANSWER_READ_BYTES_MAX = 256 * 1024, /* what we read from nodes of ours */
  PM_WIRE_OLD_READ_BYTES_MAX = 1024 * 1024, /* from old nodes: with 1,000 peers they send 729 kB */
  PM_WIRE_ENTRIES_MAX = 1000,               /* read from one document; the rest is counted */
  PM_WIRE_LOST_MAX = 64,                    /* hints of one document of ours */
  PM_WIRE_HINTS_MAX = 100,                  /* … and of an old node's: its DelPeers */
  PM_WIRE_DEPTH_USUAL = 1,
  PM_WIRE_LOCATION_BYTES = 96, /* longer names are cut: tables hold one each */
};
#define PM_WIRE_AGE_UNKNOWN UINT32_MAX

struct pm_wire_entry {
  struct pm_contact contact;
  char location[PM_WIRE_LOCATION_BYTES];
  bool has_mesh;        /* a node of ours says so */
  struct pm_node_id id; /* zero: not said */
  uint32_t age_s;       /* since the teller's own last success with it; AGE_UNKNOWN */
  uint32_t rtt_us;      /* 0: not said */
  uint8_t depth;
  bool has_coordinate;
  struct pm_vivaldi coordinate;
};

/* What an old node found of an entry since it began with it; sums over its pings. */
#define PM_WIRE_OLD_SUM_MAP(X) \
  X(DNS, "DnsLk")              \
  X(TCP, "TcpHs")              \
  X(TLS, "TlsHs")              \
  X(REPLY, "Reply")            \
  X(TOTAL, "Total")

enum pm_wire_old_sum {
#define X(name, text) PM_WIRE_OLD_##name,
  PM_WIRE_OLD_SUM_MAP(X)
#undef X
      PM_WIRE_OLD_SUM_COUNT
};
struct pm_wire_old {
  int64_t pings, fails, delay_s; /* pings: successes */
  int64_t sum_ns[PM_WIRE_OLD_SUM_COUNT];
};

struct pm_wire_lost {
  uint64_t salted; /* pm_bloom_salted of the request's salt; an old node's: the bare hash */
  uint32_t age_s;
};

struct pm_wire_answer {
  struct pm_wire_pong node; /* version 0: an old node */
  uint32_t total;           /* entries it could list in all */
  unsigned part, parts;
  bool more;          /* the limit or the size cut the list */
  bool short_entries; /* written so; both forms are read */
  struct pm_wire_lost lost[PM_WIRE_HINTS_MAX];
  size_t lost_count;
  /* Rows of the matrix (gossip/wire_row.h), one text behind the other, each with a NUL at its end;
   * the caller's buffer for PM_WIRE_ROWS_BYTES_MAX. NULL: there are none, or nobody wants them. */
  struct pm_buf *rows;
  size_t skipped; /* entries that were malformed, of sites, unverified, or beyond the maximum */
  struct pm_wire_entry *entries; /* the caller's storage */
  size_t entries_max;
  size_t entries_count;
  struct pm_wire_old *old; /* beside the entries of an old node; the caller's; NULL: not wanted */
};

/* entries, entries_max, old and rows of out are the caller's and kept. PM_ERR_SYNTAX, PM_ERR_TYPE,
 * PM_ERR_TOO_LARGE. */
enum pm_err pm_wire_answer_read(const char *text, size_t bytes, struct pm_wire_answer *out,
                                struct pm_why *why) PM_MUST_USE;

/* For nodes of ours: compact, cut (and marked so) where it would exceed PM_WIRE_ANSWER_BYTES_MAX.
 */
void pm_wire_answer_write(const struct pm_wire_answer *answer, const struct pm_peers_head *head,
                          struct pm_buf *out);

/* For old readers: every legacy field, two-space indentation, no extensions. fill gives an entry's
 * statistics (it may leave what it does not know as it is). */
typedef void pm_wire_fill_fn(void *ctx, const struct pm_wire_entry *entry,
                             struct pm_peer_entry *out);
void pm_wire_answer_write_old(const struct pm_wire_answer *answer, const struct pm_peers_head *head,
                              pm_wire_fill_fn *fill, void *ctx, struct pm_buf *out);

#endif
