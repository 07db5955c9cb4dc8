/* What a node says of itself in answer to a ping: the value of the header Pingmesh-Node, as
 * "name=value" pairs divided by semicolons. Pure.
 *
 *   Pingmesh-Node: v=1; mesh=default; id=<32hex>; inc=<number>; n=<16hex>; c=<16hex>; mac=<32hex>;
 *                  you=<ip>; reach=yes; pace=10; at=1.2,3.4,5.6,0.7,0.3
 *
 * Unknown names are passed over.
 */
#ifndef PM_GOSSIP_WIRE_PONG_H
#define PM_GOSSIP_WIRE_PONG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/ip.h"
#include "base/node_id.h"
#include "gossip/vivaldi.h"
#include "gossip/wire_request.h"

#define PM_WIRE_PONG_HEADER "Pingmesh-Node"

enum {
  PM_WIRE_PONG_BYTES_MAX = 512, /* all values at their longest come to about 400 */
  PM_WIRE_PACE_S_MAX = 3600,    /* a longer wish would make a member look lost */
};

enum pm_wire_reach { PM_WIRE_REACH_UNKNOWN, PM_WIRE_REACH_YES, PM_WIRE_REACH_NO };

/* Shared by the header and by the "Mesh" object of a pull's answer. */
struct pm_wire_pong {
  unsigned version; /* 0: not one of ours */
  char mesh[PM_MESH_NAME_BYTES];
  struct pm_node_id id;
  uint64_t inc;
  uint64_t nonce; /* the caller's, echoed */
  bool has_nonce;
  uint64_t challenge; /* to be MACed by the caller's next request */
  bool has_challenge;
  uint8_t mac[PM_WIRE_MAC_BYTES];
  bool has_mac;
  struct pm_ip your_ip; /* family NONE: not said */
  enum pm_wire_reach you_reach;
  uint32_t pace_s; /* the shortest probe interval it accepts; 0: any */
  struct pm_vivaldi coordinate;
  bool has_coordinate;
};

void pm_wire_pong_write(const struct pm_wire_pong *pong, struct pm_buf *out);
/* PM_ERR_SYNTAX, PM_ERR_TOO_LARGE; PM_ERR_MISSING without version, identity or mesh. */
enum pm_err pm_wire_pong_read(const char *value, struct pm_wire_pong *out) PM_MUST_USE;

#endif
