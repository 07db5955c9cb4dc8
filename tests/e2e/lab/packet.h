/* What the delayer reads of a packet: who sends to whom, and whether it is part of a TCP handshake.
 * Hosts of the laboratory own 10.N.0.0/16 each, so that a host's number is its address's second
 * byte.
 */
#ifndef PM_LAB_PACKET_H
#define PM_LAB_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  PM_LAB_HOSTS = 32, /* host numbers are below; more would be another laboratory */
  /* The longest IPv4 header and what is read of TCP's: the kernel hands out no more. */
  PM_PACKET_BYTES = 60 + 20,
};

struct pm_packet {
  uint32_t source, destination; /* host order */
  uint16_t source_port, destination_port;
  uint32_t sequence;
  uint32_t acknowledged;
  bool syn, ack; /* both false if it is no TCP */
};

/* False if it is no IPv4 packet between two hosts of the laboratory. */
bool pm_packet_read(const uint8_t *data, size_t len, struct pm_packet *out);
uint32_t pm_packet_host(uint32_t address);
/* Of addresses and ports, for this direction. */
uint32_t pm_packet_flow_hash(const struct pm_packet *packet);
/* The same flow in the other direction; the rest is 0. */
struct pm_packet pm_packet_reverse(const struct pm_packet *packet);

#endif
