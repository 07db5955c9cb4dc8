/* A contact: where a node of the mesh can be reached, in the compact form that the tables hold and
 * the wire carries as "host:port|ip" (an https node as "https://host:port|ip"). Pure values.
 *
 * A gossiped URL is http(s)://host:port/v1/ping or …/v1/peers and nothing else, so host, port and
 * scheme say it all, and a web site's page can never be heard of.
 */
#ifndef PM_GOSSIP_CONTACT_H
#define PM_GOSSIP_CONTACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/ip.h"

enum {
  /* Longest host that is gossiped, with its NUL: load balancers of clouds have names of about 80
   * characters; DNS would allow 253, at twice the memory of every table. */
  PM_CONTACT_HOST_BYTES = 80,
  /* "https://" host ":65535" "|" address. */
  PM_CONTACT_TEXT_BYTES = 8 + PM_CONTACT_HOST_BYTES + 2 + 6 + 1 + PM_IP_TEXT_BYTES,
  PM_CONTACT_URL_BYTES = 8 + PM_CONTACT_HOST_BYTES + 2 + 6 + 16,
};

struct pm_contact {
  struct pm_ip ip; /* what is dialled; family NONE: not looked up yet */
  uint16_t port;
  bool https;
  char host[PM_CONTACT_HOST_BYTES]; /* Host and SNI, lower case; the address's text if it has no
                                       name; IPv6 without brackets */
};

/* The URL of a node's ping or peers endpoint and the address it was seen at (NULL or "": none).
 * PM_ERR_SYNTAX for any other URL, PM_ERR_TOO_LARGE for a long host. */
enum pm_err pm_contact_from_url(const char *url, const char *ip,
                                struct pm_contact *out) PM_MUST_USE;
/* "host:port|ip"; the address may be empty ("as you see me"), and the host, if there is one. */
enum pm_err pm_contact_from_text(const char *text, struct pm_contact *out) PM_MUST_USE;
void pm_contact_text(const struct pm_contact *contact, char out[PM_CONTACT_TEXT_BYTES]);
/* The same without an address that is not known, or that the host is. */
void pm_contact_short_text(const struct pm_contact *contact, char out[PM_CONTACT_TEXT_BYTES]);
/* "http://host:port/v1/ping" */
void pm_contact_url(const struct pm_contact *contact, char out[PM_CONTACT_URL_BYTES]);
/* "host:port", IPv6 in brackets. */
void pm_contact_host_port(const struct pm_contact *contact, char out[PM_CONTACT_TEXT_BYTES]);

/* XXH3 over host, port and address (the scheme does not count). seed: a secret of the process for
 * tables, 0 for what travels (Bloom filters, partitions, hints). */
uint64_t pm_contact_hash(const struct pm_contact *contact, uint64_t seed);
/* XXH3 over the address alone: renaming does not change it. */
uint64_t pm_contact_ip_hash(const struct pm_ip *ip, uint64_t seed);
/* Whose word this is, for testimony and caps: public IPv4 by /16, public IPv6 by /32; in loopback
 * and private ranges each address and port is its own group, as a whole site shares a /16 there. */
uint64_t pm_contact_group(const struct pm_contact *contact, uint64_t seed);

#endif
