#include "packet.h"

#include <string.h>

enum {
  IPV4_BYTES_MIN = 20,
  TCP_BYTES_READ = 20,
  PROTOCOL_TCP = 6,
  FLAG_SYN = 0x02,
  FLAG_ACK = 0x10
};

static uint16_t read_u16(const uint8_t *at) {
  return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t read_u32(const uint8_t *at) {
  return (uint32_t)read_u16(at) << 16 | read_u16(at + 2);
}

uint32_t pm_packet_host(uint32_t address) {
  return address >> 16 & 0xff;
}

static void read_tcp(const uint8_t *data, struct pm_packet *out) {
  out->source_port = read_u16(data);
  out->destination_port = read_u16(data + 2);
  out->sequence = read_u32(data + 4);
  out->acknowledged = read_u32(data + 8);
  out->syn = data[13] & FLAG_SYN;
  out->ack = data[13] & FLAG_ACK;
}

bool pm_packet_read(const uint8_t *data, size_t len, struct pm_packet *out) {
  if (len < IPV4_BYTES_MIN || data[0] >> 4 != 4) return false;
  size_t header = (size_t)(data[0] & 0x0f) * 4;
  if (header < IPV4_BYTES_MIN || header > len) return false;
  *out = (struct pm_packet){.source = read_u32(data + 12), .destination = read_u32(data + 16)};
  bool first_fragment = (read_u16(data + 6) & 0x1fff) == 0;
  if (data[9] == PROTOCOL_TCP && first_fragment && len >= header + TCP_BYTES_READ) {
    read_tcp(data + header, out);
  }
  return pm_packet_host(out->source) < PM_LAB_HOSTS &&
         pm_packet_host(out->destination) < PM_LAB_HOSTS;
}

/* FNV-1a, word by word with a last mix: even enough for the tables here. */
uint32_t pm_packet_flow_hash(const struct pm_packet *packet) {
  const uint32_t words[] = {packet->source, packet->destination,
                            (uint32_t)packet->source_port << 16 | packet->destination_port};
  uint64_t hash = 0xcbf29ce484222325;
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
    hash = (hash ^ words[i]) * 0x100000001b3;
  }
  hash ^= hash >> 32;
  return (uint32_t)(hash * 0x9e3779b97f4a7c15 >> 32);
}

struct pm_packet pm_packet_reverse(const struct pm_packet *packet) {
  return (struct pm_packet){.source = packet->destination,
                            .destination = packet->source,
                            .source_port = packet->destination_port,
                            .destination_port = packet->source_port};
}
