/* What one node asks another, as the query of a GET: bytes to struct and back. Pure.
 *
 *   GET /v1/ping?v=1&mesh=M&id=<32hex>&n=<16hex>&to=<ip:port>&self=<host:port|ip,…>
 *                &c=<16hex>&mac=<32hex>                                  (with a key)
 *                &row=<16hex inc>.<revision>     (what it has of the answerer's row: wire_row.h)
 *   GET /v1/peers?addpeers=true&(the same)&limit=256&short=1&rows=1&part=3.20&salt=<8hex>
 *                &bf=<base64url Bloom>
 *
 * Unknown names are passed over, so that later versions can add some. A request without "v" is
 * an old node's, or a person's.
 */
#ifndef PM_GOSSIP_WIRE_REQUEST_H
#define PM_GOSSIP_WIRE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/node_id.h"
#include "gossip/bloom.h"
#include "gossip/contact.h"

enum {
  PM_WIRE_VERSION = 1,
  PM_WIRE_SELF_MAX = 4,           /* endpoints that one node announces */
  PM_WIRE_MAC_BYTES = 16,         /* of HMAC-SHA256 */
  PM_MESH_NAME_BYTES = 64,        /* with its NUL */
  PM_WIRE_QUERY_BYTES_MAX = 4096, /* Bloom 854, four long endpoints percent-encoded 4 * 500 */
  PM_WIRE_LIMIT_MAX = 256,        /* entries of a pull's answer */
};

struct pm_wire_request {
  unsigned version; /* 0: none named */
  char mesh[PM_MESH_NAME_BYTES];
  struct pm_node_id id;
  uint64_t nonce; /* to be echoed; with a key the challenge to be MACed */
  bool has_nonce;
  struct pm_ip to_ip; /* what was dialled; family NONE: not said */
  uint16_t to_port;
  struct pm_contact self[PM_WIRE_SELF_MAX];
  size_t self_count;
  uint64_t challenge; /* the answerer's own, given earlier; valid if has_mac */
  uint8_t mac[PM_WIRE_MAC_BYTES];
  bool has_mac;
  bool has_row; /* it wants what is later than this of the answerer's row of the matrix */
  uint64_t row_inc, row_revision;

  bool pull; /* the rest is of pulls only */
  unsigned limit;
  bool rows;            /* it wants rows of others, too */
  bool short_entries;   /* it reads the list's short form (gossip/wire_answer.h) */
  unsigned part, parts; /* part < parts; parts at least 1 */
  uint32_t salt;
  bool has_bloom;
  struct pm_bloom bloom;
};

/* The query without '?'. Failures stick in out. */
void pm_wire_request_write(const struct pm_wire_request *request, struct pm_buf *out);
/* query: without '?', NUL-terminated. A known name with a broken value refuses the whole
 * (PM_ERR_SYNTAX, PM_ERR_RANGE, PM_ERR_TOO_LARGE); why says which. */
enum pm_err pm_wire_request_read(const char *query, struct pm_wire_request *out,
                                 struct pm_why *why) PM_MUST_USE;

/* Letters, digits, '-', '_' and '.', 1 to 63 of them: goes unescaped through query, header, JSON.
 */
bool pm_mesh_name_valid(const char *name);

#endif
