#include "handshakes.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
  PLACES = 8, /* that a flow may have in the table */
};

struct handshake {
  struct pm_packet syn; /* the first one */
  int64_t wall_ns;      /* of its arrival; 0: a free place */
  int64_t syn_arrived_ns, syn_released_ns, synack_arrived_ns;
  uint32_t syns, syns_lost, synacks, synacks_lost;
  bool written;
};

struct pm_handshakes {
  FILE *record;
  struct handshake table[PM_HANDSHAKES_MAX];
};

struct pm_handshakes *pm_handshakes_new(FILE *record) {
  struct pm_handshakes *handshakes = calloc(1, sizeof(*handshakes));
  if (handshakes != NULL) handshakes->record = record;
  return handshakes;
}

void pm_handshakes_free(struct pm_handshakes *handshakes) {
  free(handshakes);
}

static bool is_same_flow(const struct pm_packet *a, const struct pm_packet *b) {
  return a->source == b->source && a->destination == b->destination &&
         a->source_port == b->source_port && a->destination_port == b->destination_port;
}

/* flow: in the SYN's direction. */
static struct handshake *find(struct pm_handshakes *handshakes, const struct pm_packet *flow) {
  uint32_t hash = pm_packet_flow_hash(flow);
  for (uint32_t i = 0; i < PLACES; i++) {
    struct handshake *place = &handshakes->table[(hash + i) % PM_HANDSHAKES_MAX];
    if (place->wall_ns != 0 && is_same_flow(&place->syn, flow)) return place;
  }
  return NULL;
}

static struct handshake *oldest_place(struct pm_handshakes *handshakes,
                                      const struct pm_packet *flow) {
  uint32_t hash = pm_packet_flow_hash(flow);
  struct handshake *oldest = &handshakes->table[hash % PM_HANDSHAKES_MAX];
  for (uint32_t i = 1; i < PLACES; i++) {
    struct handshake *place = &handshakes->table[(hash + i) % PM_HANDSHAKES_MAX];
    if (place->wall_ns < oldest->wall_ns) oldest = place;
  }
  return oldest;
}

static void syn_arrived(struct pm_handshakes *handshakes, const struct pm_handshake_event *event,
                        int64_t wall_ns, bool lost) {
  struct handshake *handshake = find(handshakes, &event->packet);
  /* A port that is used again comes with another initial number. */
  if (handshake == NULL || handshake->syn.sequence != event->packet.sequence) {
    if (handshake == NULL) handshake = oldest_place(handshakes, &event->packet);
    *handshake = (struct handshake){
        .syn = event->packet, .wall_ns = wall_ns, .syn_arrived_ns = event->at_ns};
  }
  handshake->syns++;
  handshake->syns_lost += lost;
}

/* The handshake that this SYN-ACK answers. */
static struct handshake *find_answered(struct pm_handshakes *handshakes,
                                       const struct pm_packet *synack) {
  struct pm_packet flow = pm_packet_reverse(synack);
  struct handshake *handshake = find(handshakes, &flow);
  return handshake != NULL && handshake->syn.sequence + 1 == synack->acknowledged ? handshake
                                                                                  : NULL;
}

void pm_handshakes_arrived(struct pm_handshakes *handshakes, const struct pm_handshake_event *event,
                           int64_t wall_ns, bool lost) {
  if (!event->packet.syn) return;
  if (!event->packet.ack) {
    syn_arrived(handshakes, event, wall_ns, lost);
    return;
  }
  struct handshake *handshake = find_answered(handshakes, &event->packet);
  if (handshake == NULL) return;
  if (handshake->synacks == 0) handshake->synack_arrived_ns = event->at_ns;
  handshake->synacks++;
  handshake->synacks_lost += lost;
}

static void write_address(FILE *record, uint32_t address, uint16_t port) {
  fprintf(record, "%u.%u.%u.%u\t%u\t", address >> 24, address >> 16 & 0xff, address >> 8 & 0xff,
          address & 0xff, port);
}

void pm_handshakes_header(FILE *record) {
  fputs("wall_ns\tsource\tsource_port\tdestination\tdestination_port\tsyns\tsyns_lost\tsynacks\t"
        "synacks_lost\tthere_ns\tserver_ns\tback_ns\trtt_ns\tunsure_ns\n",
        record);
}

static void write_line(FILE *record, const struct handshake *handshake,
                       const struct pm_handshake_event *release) {
  int64_t released_ns = release->at_ns;
  flockfile(record); /* one line, whichever queue it comes from */
  fprintf(record, "%" PRId64 "\t", handshake->wall_ns);
  write_address(record, handshake->syn.source, handshake->syn.source_port);
  write_address(record, handshake->syn.destination, handshake->syn.destination_port);
  fprintf(record, "%" PRIu32 "\t%" PRIu32 "\t%" PRIu32 "\t%" PRIu32 "\t", handshake->syns,
          handshake->syns_lost, handshake->synacks, handshake->synacks_lost);
  fprintf(record, "%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\n",
          handshake->syn_released_ns - handshake->syn_arrived_ns,
          handshake->synack_arrived_ns - handshake->syn_released_ns,
          released_ns - handshake->synack_arrived_ns, released_ns - handshake->syn_arrived_ns,
          release->unsure_ns);
  funlockfile(record);
}

void pm_handshakes_released(struct pm_handshakes *handshakes,
                            const struct pm_handshake_event *event) {
  if (!event->packet.syn) return;
  struct handshake *handshake = event->packet.ack ? find_answered(handshakes, &event->packet)
                                                  : find(handshakes, &event->packet);
  if (handshake == NULL) return;
  if (!event->packet.ack) {
    if (handshake->syn_released_ns == 0) handshake->syn_released_ns = event->at_ns;
  } else if (!handshake->written) {
    handshake->written = true;
    write_line(handshakes->record, handshake, event);
  }
}
