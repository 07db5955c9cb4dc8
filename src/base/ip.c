#include "base/ip.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum {
  V4_BITS = 32,
  V6_BITS = 128,
  MAPPED_BITS = 96,     /* the length of ::ffff:0:0/96 */
  CIDR_TEXT_BYTES = 64, /* the longest address, '/', three digits; more is no range */
  SHOWN_BYTES_MAX = 80, /* of a wrong value, so that the rest of the sentence has its place */
};

struct special {
  struct pm_cidr cidr;
  enum pm_ip_class class;
};

/* As numbers: every entry of every list that is heard is classified. */
struct special_v4 {
  uint32_t network, mask;
  enum pm_ip_class class;
};

#define V4(a, b, c, d, bits, name)                                                 \
  {                                                                                \
    (uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d), UINT32_MAX << (32 - (bits)), \
        PM_IP_CLASS_##name                                                         \
  }

/* The first match counts, so single metadata addresses stand before the ranges around them. */
static const struct special_v4 SPECIAL_V4[] = {
    V4(169, 254, 169, 254, 32, METADATA), /* AWS, Google, Azure, and most others */
    V4(169, 254, 170, 2, 32, METADATA),   /* AWS ECS task credentials */
    V4(169, 254, 170, 23, 32, METADATA),  /* AWS EKS pod identity */
    V4(100, 100, 100, 200, 32, METADATA), /* Alibaba */
    V4(168, 63, 129, 16, 32, METADATA),   /* Azure wire server: a public address, served locally */
    V4(192, 0, 0, 192, 32, METADATA),     /* Oracle */
    V4(0, 0, 0, 0, 8, UNSPECIFIED),
    V4(10, 0, 0, 0, 8, PRIVATE),
    V4(100, 64, 0, 0, 10, PRIVATE), /* carrier-grade NAT, RFC 6598 */
    V4(127, 0, 0, 0, 8, LOOPBACK),
    V4(169, 254, 0, 0, 16, LINK_LOCAL),
    V4(172, 16, 0, 0, 12, PRIVATE),
    V4(192, 0, 0, 0, 24, RESERVED),   /* IETF protocol assignments */
    V4(192, 0, 2, 0, 24, RESERVED),   /* documentation, as are the other two of RFC 5737 */
    V4(192, 88, 99, 0, 24, RESERVED), /* 6to4 relays, RFC 7526 */
    V4(192, 168, 0, 0, 16, PRIVATE),
    V4(198, 18, 0, 0, 15, RESERVED), /* benchmarking, RFC 2544 */
    V4(198, 51, 100, 0, 24, RESERVED),
    V4(203, 0, 113, 0, 24, RESERVED),
    V4(224, 0, 0, 0, 4, MULTICAST),
    V4(255, 255, 255, 255, 32, MULTICAST),
    V4(240, 0, 0, 0, 4, RESERVED),
};

static const struct special SPECIAL_V6[] = {
    {{{PM_IP_V6, {0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54}}, 128}, PM_IP_CLASS_METADATA},
    {{{PM_IP_V6, {0xfd, 0x00, 0x0e, 0xc2, [15] = 0x23}}, 128}, PM_IP_CLASS_METADATA},
    {{{PM_IP_V6, {0xfd, 0x20, 0x00, 0xce, [14] = 0x02, [15] = 0x54}}, 128}, PM_IP_CLASS_METADATA},
    {{{PM_IP_V6, {0}}, 128}, PM_IP_CLASS_UNSPECIFIED},
    {{{PM_IP_V6, {[15] = 1}}, 128}, PM_IP_CLASS_LOOPBACK},
    {{{PM_IP_V6, {0xfc}}, 7}, PM_IP_CLASS_PRIVATE},
    {{{PM_IP_V6, {0xfe, 0x80}}, 10}, PM_IP_CLASS_LINK_LOCAL},
    {{{PM_IP_V6, {0xff}}, 8}, PM_IP_CLASS_MULTICAST},
    /* IETF protocol assignments: Teredo, benchmarking, ORCHID, … */
    {{{PM_IP_V6, {0x20, 0x01}}, 23}, PM_IP_CLASS_RESERVED},
    /* Documentation, RFC 3849 and RFC 9637. */
    {{{PM_IP_V6, {0x20, 0x01, 0x0d, 0xb8}}, 32}, PM_IP_CLASS_RESERVED},
    {{{PM_IP_V6, {0x3f, 0xff}}, 20}, PM_IP_CLASS_RESERVED},
    /* All global unicast addresses that exist. */
    {{{PM_IP_V6, {0x20}}, 3}, PM_IP_CLASS_PUBLIC},
    {{{PM_IP_V6, {0}}, 0}, PM_IP_CLASS_RESERVED},
};

static const struct pm_cidr NAT64 = {{PM_IP_V6, {0x00, 0x64, 0xff, 0x9b}}, 96};
static const struct pm_cidr SIX_TO_FOUR = {{PM_IP_V6, {0x20, 0x02}}, 16};

/* One number of a dotted quad, strictly: one to three digits, no leading zero, at most 255. Returns
 * what stands behind it; NULL if it is none. */
static const char *parse_octet(const char *text, uint8_t *out) {
  unsigned value = 0;
  size_t digits = 0;
  while (digits < 4 && text[digits] >= '0' && text[digits] <= '9')
    value = value * 10 + (unsigned)(text[digits++] - '0');
  if (digits == 0 || digits > 3 || value > 255 || (digits > 1 && text[0] == '0')) return NULL;
  *out = (uint8_t)value;
  return text + digits;
}

/* By hand: this is what each entry of a list is read with, and inet_pton takes four times as long.
 */
static bool parse_v4(const char *text, uint8_t bytes[4]) {
  for (int i = 0; i < 4; i++) {
    text = parse_octet(text, &bytes[i]);
    if (text == NULL || *text != (i < 3 ? '.' : '\0')) return false;
    text++;
  }
  return true;
}

enum pm_err pm_ip_parse(const char *text, struct pm_ip *out) {
  uint8_t bytes[16];
  if (parse_v4(text, bytes)) {
    *out = pm_ip_from_bytes(PM_IP_V4, bytes);
    return PM_OK;
  }
  if (inet_pton(AF_INET6, text, bytes) == 1) {
    *out = pm_ip_from_bytes(PM_IP_V6, bytes);
    return PM_OK;
  }
  return PM_ERR_SYNTAX;
}

static void v4_text(const uint8_t bytes[4], char *out) {
  for (int i = 0; i < 4; i++) {
    const unsigned value = bytes[i];
    if (i > 0) *out++ = '.';
    if (value >= 100) *out++ = (char)('0' + value / 100);
    if (value >= 10) *out++ = (char)('0' + value / 10 % 10);
    *out++ = (char)('0' + value % 10);
  }
  *out = '\0';
}

void pm_ip_text(const struct pm_ip *ip, char out[PM_IP_TEXT_BYTES]) {
  out[0] = '\0';
  if (ip->family == PM_IP_NONE) return;
  if (ip->family == PM_IP_V4) {
    v4_text(ip->bytes, out);
    return;
  }
  static const uint8_t zeros[12];
  const uint8_t *b = ip->bytes;
  if (memcmp(b, zeros, sizeof(zeros)) == 0 && (b[12] | b[13]) != 0) {
    /* inet_ntop writes such an address with a dotted end, as if it were an IPv4 one: RFC 4291 gave
     * that reading up. */
    (void)snprintf(out, PM_IP_TEXT_BYTES, "::%x:%x", b[12] << 8 | b[13], b[14] << 8 | b[15]);
    return;
  }
  if (inet_ntop(AF_INET6, ip->bytes, out, PM_IP_TEXT_BYTES) == NULL) out[0] = '\0';
}

struct pm_ip pm_ip_from_bytes(enum pm_ip_family family, const void *bytes) {
  static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
  struct pm_ip ip = {0};
  if (family == PM_IP_NONE) return ip;

  const uint8_t *from = bytes;
  if (family == PM_IP_V6 && memcmp(from, mapped, sizeof(mapped)) == 0) {
    family = PM_IP_V4;
    from += sizeof(mapped);
  }
  ip.family = (uint8_t)family;
  memcpy(ip.bytes, from, family == PM_IP_V4 ? 4 : 16);
  return ip;
}

bool pm_ip_equal(const struct pm_ip *a, const struct pm_ip *b) {
  return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool pm_ip_carried(const struct pm_ip *ip, struct pm_ip *out) {
  size_t at = 0;
  if (pm_cidr_contains(&NAT64, ip)) at = 12;
  if (pm_cidr_contains(&SIX_TO_FOUR, ip)) at = 2;
  if (at == 0) return false;
  *out = pm_ip_from_bytes(PM_IP_V4, ip->bytes + at);
  return true;
}

static enum pm_ip_class classify_v4(const uint8_t bytes[4]) {
  const uint32_t address =
      (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
  for (size_t i = 0; i < sizeof(SPECIAL_V4) / sizeof(SPECIAL_V4[0]); i++) {
    if ((address & SPECIAL_V4[i].mask) == SPECIAL_V4[i].network) return SPECIAL_V4[i].class;
  }
  return PM_IP_CLASS_PUBLIC;
}

static enum pm_ip_class classify_v6(const struct pm_ip *ip) {
  struct pm_ip reached;
  if (pm_ip_carried(ip, &reached)) return classify_v4(reached.bytes);
  for (size_t i = 0; i < sizeof(SPECIAL_V6) / sizeof(SPECIAL_V6[0]); i++) {
    if (pm_cidr_contains(&SPECIAL_V6[i].cidr, ip)) return SPECIAL_V6[i].class;
  }
  return PM_IP_CLASS_PUBLIC;
}

enum pm_ip_class pm_ip_classify(const struct pm_ip *ip) {
  if (ip->family == PM_IP_V4) return classify_v4(ip->bytes);
  if (ip->family == PM_IP_V6) return classify_v6(ip);
  return PM_IP_CLASS_UNSPECIFIED;
}

const char *pm_ip_class_text(enum pm_ip_class class) {
  static const char *const texts[PM_IP_CLASS_COUNT] = {
#define X(name, text) text,
      PM_IP_CLASS_MAP(X)
#undef X
  };
  return (unsigned)class < PM_IP_CLASS_COUNT ? texts[class] : "unknown";
}

/* The first prefix_bits of an address, the others 0. */
static struct pm_ip masked(const struct pm_ip *ip, unsigned prefix_bits) {
  struct pm_ip result = *ip;
  for (unsigned i = 0; i < sizeof(result.bytes); i++) {
    const unsigned bits_before = i * 8;
    if (bits_before >= prefix_bits) {
      result.bytes[i] = 0;
    } else if (prefix_bits - bits_before < 8) {
      result.bytes[i] &= (uint8_t)(0xff00u >> (prefix_bits - bits_before));
    }
  }
  return result;
}

bool pm_cidr_contains(const struct pm_cidr *cidr, const struct pm_ip *ip) {
  if (cidr->ip.family != ip->family) return false;
  const size_t whole = cidr->prefix_bits / 8;
  const unsigned rest = cidr->prefix_bits % 8;
  if (memcmp(ip->bytes, cidr->ip.bytes, whole) != 0) return false;
  return rest == 0 || ((ip->bytes[whole] ^ cidr->ip.bytes[whole]) >> (8 - rest)) == 0;
}

/* One to three digits without a leading zero; -1 for anything else. */
static int parse_prefix(const char *text) {
  const size_t digits = strspn(text, "0123456789");
  if (digits == 0 || digits > 3 || text[digits] != '\0') return -1;
  if (digits > 1 && text[0] == '0') return -1;
  int prefix_bits = 0;
  for (size_t i = 0; i < digits; i++) prefix_bits = prefix_bits * 10 + (text[i] - '0');
  return prefix_bits;
}

static enum pm_err refuse_low_bits(const char *text, const struct pm_cidr *cidr,
                                   struct pm_why *why) {
  char address[PM_IP_TEXT_BYTES];
  char network[PM_IP_TEXT_BYTES];
  const struct pm_ip zeroed = masked(&cidr->ip, cidr->prefix_bits);
  pm_ip_text(&cidr->ip, address);
  pm_ip_text(&zeroed, network);
  return pm_why_set(why, PM_ERR_SYNTAX,
                    "address range \"%s\" has bits below its prefix: write %s/%d for the range or "
                    "%s for the one address",
                    text, network, cidr->prefix_bits, address);
}

/* The prefix as written, into the bits of the family as stored. */
static enum pm_err take_prefix(const char *text, const char *digits, struct pm_cidr *cidr,
                               struct pm_why *why) {
  const bool written_v6 = strchr(text, ':') != NULL;
  const bool mapped = written_v6 && cidr->ip.family == PM_IP_V4;
  const int low = mapped ? MAPPED_BITS : 0;
  const int high = written_v6 ? V6_BITS : V4_BITS;
  const int prefix_bits = digits == NULL ? high : parse_prefix(digits);
  if (prefix_bits < low || prefix_bits > high) {
    return pm_why_set(why, prefix_bits < 0 ? PM_ERR_SYNTAX : PM_ERR_RANGE,
                      "address range \"%s\" has the prefix length \"%s\": write a whole number of "
                      "%d to %d",
                      text, digits, low, high);
  }
  cidr->prefix_bits = (uint8_t)(prefix_bits - low);
  const struct pm_ip network = masked(&cidr->ip, cidr->prefix_bits);
  if (!pm_ip_equal(&network, &cidr->ip)) return refuse_low_bits(text, cidr, why);
  return PM_OK;
}

enum pm_err pm_cidr_parse(const char *text, struct pm_cidr *out, struct pm_why *why) {
  char address[CIDR_TEXT_BYTES] = "";
  struct pm_cidr cidr = {0};
  const char *slash = NULL;
  if (strnlen(text, CIDR_TEXT_BYTES) < CIDR_TEXT_BYTES) {
    slash = strchr(text, '/');
    const size_t bytes = slash != NULL ? (size_t)(slash - text) : strlen(text);
    (void)snprintf(address, sizeof(address), "%.*s", (int)bytes, text);
  }
  if (pm_ip_parse(address, &cidr.ip) != PM_OK) {
    return pm_why_set(why, PM_ERR_SYNTAX,
                      "address range \"%.*s\" is none: write an address, or one with a prefix "
                      "length, as in 10.0.0.0/8 or fd00::/8",
                      SHOWN_BYTES_MAX, text);
  }
  const enum pm_err err = take_prefix(text, slash != NULL ? slash + 1 : NULL, &cidr, why);
  if (err == PM_OK) *out = cidr;
  return err;
}
