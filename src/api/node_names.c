#include "api/node_names.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_FIRST = 16 };

void pm_node_names_init(struct pm_node_names *names) {
  *names = (struct pm_node_names){0};
}

void pm_node_names_deinit(struct pm_node_names *names) {
  free(names->items);
  pm_node_names_init(names);
}

static int compare(const struct pm_node_id *a, const struct pm_node_id *b) {
  return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

/* Where the id is, or would be. */
static size_t place_of(const struct pm_node_names *names, const struct pm_node_id *id) {
  size_t low = 0;
  for (size_t high = names->count; low < high;) {
    size_t middle = low + (high - low) / 2;
    if (compare(&names->items[middle].id, id) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static bool is_at(const struct pm_node_names *names, size_t place, const struct pm_node_id *id) {
  return place < names->count && pm_node_id_equal(&names->items[place].id, id);
}

static void drop_oldest(struct pm_node_names *names) {
  size_t oldest = 0;
  for (size_t i = 1; i < names->count; i++)
    if (pm_time_before(names->items[i].learned, names->items[oldest].learned)) oldest = i;
  names->count--;
  memmove(&names->items[oldest], &names->items[oldest + 1],
          (names->count - oldest) * sizeof(names->items[0]));
}

static bool make_room(struct pm_node_names *names) {
  if (names->count == PM_NODE_NAMES_MAX) drop_oldest(names);
  if (names->count < names->room) return true;
  size_t room = names->room == 0 ? ROOM_FIRST : names->room * 2;
  struct pm_node_name *grown = realloc(names->items, room * sizeof(*grown));
  if (grown == NULL) return false;
  names->items = grown;
  names->room = room;
  return true;
}

void pm_node_names_learn(struct pm_node_names *names, const struct pm_gossip_member *member,
                         struct pm_time now) {
  if (!pm_node_id_is_set(&member->id)) return;
  if (!is_at(names, place_of(names, &member->id), &member->id)) {
    if (!make_room(names)) return;
    size_t place = place_of(names, &member->id);
    memmove(&names->items[place + 1], &names->items[place],
            (names->count - place) * sizeof(names->items[0]));
    names->items[place] = (struct pm_node_name){.id = member->id};
    names->count++;
  }
  struct pm_node_name *name = &names->items[place_of(names, &member->id)];
  name->contact = member->contact;
  name->learned = now;
  if (member->location[0] != '\0')
    snprintf(name->location, sizeof(name->location), "%s", member->location);
}

const struct pm_node_name *pm_node_names_of(const struct pm_node_names *names,
                                            const struct pm_node_id *id) {
  size_t place = place_of(names, id);
  return is_at(names, place, id) ? &names->items[place] : NULL;
}

const struct pm_node_name *pm_node_names_at(const struct pm_node_names *names,
                                            const struct pm_contact *contact) {
  for (size_t i = 0; i < names->count; i++) {
    const struct pm_contact *known = &names->items[i].contact;
    if (known->port == contact->port && strcmp(known->host, contact->host) == 0 &&
        pm_ip_equal(&known->ip, &contact->ip))
      return &names->items[i];
  }
  return NULL;
}
