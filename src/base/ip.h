/* IP addresses and address ranges as values: parse, print, classify, compare. No socket types here.
 */
#ifndef PM_BASE_IP_H
#define PM_BASE_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum pm_ip_family { PM_IP_NONE, PM_IP_V4, PM_IP_V6 };

/* family PM_IP_NONE means "no address". A v4 address is in bytes[0..3]; unused bytes are 0, so
 * that two equal addresses are equal bytes. An IPv4-mapped IPv6 address (::ffff:a.b.c.d) is always
 * stored as the IPv4 address that it reaches. */
struct pm_ip {
  uint8_t family;
  uint8_t bytes[16];
};

enum { PM_IP_TEXT_BYTES = 46 };

/* Where an address leads, after the IANA special-purpose registries (RFC 6890 and its updates). An
 * IPv6 address outside 2000::/3 that is listed nowhere is RESERVED. So are the few blocks inside
 * 192.0.0.0/24 and 2001::/23 that can be reached from everywhere: no web server lives there. */
#define PM_IP_CLASS_MAP(X)                                                                        \
  X(PUBLIC, "public")                                                                             \
  X(LOOPBACK, "loopback")     /* 127/8, ::1 */                                                    \
  X(PRIVATE, "private")       /* 10/8, 172.16/12, 192.168/16, 100.64/10, fc00::/7 */              \
  X(LINK_LOCAL, "link-local") /* 169.254/16, fe80::/10 */                                         \
  X(METADATA, "metadata")     /* cloud metadata services: 169.254.169.254, 169.254.170.2, */      \
                              /* 169.254.170.23, fd00:ec2::254, fd00:ec2::23, 100.100.100.200, */ \
                              /* 168.63.129.16, fd20:ce::254, 192.0.0.192 */                      \
  X(MULTICAST, "multicast")   /* 224/4, 255.255.255.255, ff00::/8 */                              \
  X(UNSPECIFIED, "unspecified") /* 0/8, ::; connecting there reaches this host */                 \
  X(RESERVED, "reserved")       /* documentation, benchmarking, 240/4, discard, Teredo, … */

enum pm_ip_class {
#define X(name, text) PM_IP_CLASS_##name,
  PM_IP_CLASS_MAP(X)
#undef X
      PM_IP_CLASS_COUNT
};

/* Dotted quad or RFC 4291 text without brackets or zone. Octal, hex and short forms ("127.1",
 * "0x7f.1", "2130706433") are PM_ERR_SYNTAX: resolvers do not agree about what they mean. */
enum pm_err pm_ip_parse(const char *text, struct pm_ip *out) PM_MUST_USE;
/* RFC 5952, which pm_ip_parse reads back as the same address; "" for no address. */
void pm_ip_text(const struct pm_ip *ip, char out[PM_IP_TEXT_BYTES]);
/* 4 or 16 bytes in network order; PM_IP_NONE reads nothing. */
struct pm_ip pm_ip_from_bytes(enum pm_ip_family family, const void *bytes);
bool pm_ip_equal(const struct pm_ip *a, const struct pm_ip *b);

/* The IPv4 address that an IPv6 one leads to through a translator or a tunnel: NAT64 64:ff9b::/96
 * and 6to4 2002::/16. False, leaving out alone, for all others. (Teredo, the local NAT64 prefix
 * 64:ff9b:1::/48 and IPv4-compatible ::/96 are RESERVED as a whole.) */
bool pm_ip_carried(const struct pm_ip *ip, struct pm_ip *out);

/* An address that carries another is classified by what it carries: 64:ff9b::7f00:1 is LOOPBACK,
 * 64:ff9b::808:808 is PUBLIC. No address is UNSPECIFIED, which no policy allows. */
enum pm_ip_class pm_ip_classify(const struct pm_ip *ip);
const char *pm_ip_class_text(enum pm_ip_class class);

struct pm_cidr {
  struct pm_ip ip;
  uint8_t prefix_bits;
};

/* "10.0.0.0/8", "fd00::/8", or an address alone. Bits below the prefix must be 0. A range of mapped
 * addresses is the IPv4 range: "::ffff:10.0.0.0/104" is 10.0.0.0/8. PM_ERR_SYNTAX, PM_ERR_RANGE
 * (the prefix). */
enum pm_err pm_cidr_parse(const char *text, struct pm_cidr *out, struct pm_why *why) PM_MUST_USE;
/* Never across families: no IPv4 address is in ::/0. */
bool pm_cidr_contains(const struct pm_cidr *cidr, const struct pm_ip *ip);

#endif
