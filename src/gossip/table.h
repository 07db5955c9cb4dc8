/* The member table: all endpoints the core knows, in slots of fixed number, found by key, grouped
 * into sets by state, and ordered by the time at which each is due. Internal to gossip/. Pure; no
 * allocation after init: everything lies in the arena.
 *
 * A slot's index is stable while it is in use; a handle (generation and index) stays unique after.
 */
#ifndef PM_GOSSIP_TABLE_H
#define PM_GOSSIP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gossip/arena.h"
#include "gossip/config.h"
#include "gossip/member.h"

enum pm_set {
  PM_SET_LOCAL,
  PM_SET_HEARD,
  PM_SET_CANDIDATE,
  PM_SET_VERIFIED,
  PM_SET_LOST,
  PM_SET_SELF,
  PM_SET_COUNT
};

enum { PM_TABLE_SELF_MAX = 16, PM_TABLE_ALIASES_EACH = 8 };

struct pm_table_set {
  uint32_t *slots;
  uint32_t count, capacity;
};

/* Another endpoint of a member: known, never dialled, never listed. */
struct pm_alias {
  uint64_t key, pub;
  uint32_t owner; /* PM_NO_SLOT: free */
};

struct pm_table {
  struct pm_member *slots;
  struct pm_member_detail *details;
  struct pm_alias *aliases;
  uint32_t *index;          /* open addressing; slot, or slots_max + alias */
  uint32_t *heap;           /* slots by due */
  struct pm_time *heap_due; /* beside it: when each is due, so that ordering touches no slot */
  uint32_t *free_details;
  uint32_t *id_hashes; /* by detail, 0: it has shown none */
  struct pm_table_set sets[PM_SET_COUNT];
  uint32_t slots_max, details_max, aliases_max;
  uint32_t index_mask;
  uint32_t heap_count, free_slot, free_details_count, slots_used, aliases_count;
};

void pm_table_carve(struct pm_table *table, struct pm_arena *arena,
                    const struct pm_gossip_config *config);
void pm_table_init(struct pm_table *table);

/* PM_NO_SLOT if unknown. An alias leads to its owner. */
uint32_t pm_table_find(const struct pm_table *table, uint64_t key);
struct pm_member *pm_table_at(const struct pm_table *table, uint32_t slot);
/* NULL unless the slot is verified or suspect. */
struct pm_member_detail *pm_table_detail(const struct pm_table *table, const struct pm_member *m);
uint32_t pm_table_slot(const struct pm_table *table, const struct pm_member *m);

uint64_t pm_table_handle(const struct pm_table *table, const struct pm_member *m);
/* NULL if the handle's member has gone. */
struct pm_member *pm_table_by_handle(const struct pm_table *table, uint64_t handle);

/* The set a state belongs to, and whether another member fits in. */
bool pm_table_has_room(const struct pm_table *table, enum pm_member_state state);
/* NULL if there is no room for the state. key must be unknown. All else is zero. */
struct pm_member *pm_table_add(struct pm_table *table, const struct pm_contact *contact,
                               uint64_t key, enum pm_member_state state);
/* False (and no change) if the new state's set is full. */
bool pm_table_move(struct pm_table *table, struct pm_member *m, enum pm_member_state state);
/* Forgets it and its aliases. Must not be in a ready queue. */
void pm_table_drop(struct pm_table *table, struct pm_member *m);
/* A new address and key for a member that has been looked up. key must be unknown. */
void pm_table_rekey(struct pm_table *table, struct pm_member *m, uint64_t key, uint64_t pub);

/* False if there is no room, it has enough of them, or the key is known. */
bool pm_table_alias_add(struct pm_table *table, struct pm_member *m, uint64_t key, uint64_t pub);
void pm_table_alias_drop_all(struct pm_table *table, const struct pm_member *m);

/* A member's identity is its id and its incarnation; both are known from set_identity on. */
void pm_table_set_identity(struct pm_table *table, const struct pm_member *m,
                           const struct pm_node_id *id, uint64_t inc);
/* All with that id, one after the other: begin with *at = 0; NULL: no more. */
struct pm_member *pm_table_next_with_id(const struct pm_table *table, const struct pm_node_id *id,
                                        uint32_t *at);
/* The one with this identity, other than one given; NULL if there is none. */
struct pm_member *pm_table_by_identity(const struct pm_table *table, const struct pm_node_id *id,
                                       uint64_t inc, const struct pm_member *other_than);

/* Timers: due PM_TIME_NEVER takes it out. */
void pm_table_set_due(struct pm_table *table, struct pm_member *m, struct pm_time due);
/* The member that is due first, NULL if none ever is; and when. */
struct pm_member *pm_table_first_due(const struct pm_table *table);
struct pm_time pm_table_first_at(const struct pm_table *table);

#endif
