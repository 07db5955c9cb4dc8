#include "gossip/table.h"

#include <assert.h>
#include <string.h>
#include <xxhash.h>

static uint32_t index_size(uint32_t entries) {
  uint32_t size = 64;
  while (size < entries + entries / 2) size *= 2;
  return size;
}

void pm_table_carve(struct pm_table *table, struct pm_arena *arena,
                    const struct pm_gossip_config *config) {
  uint32_t capacities[PM_SET_COUNT] = {[PM_SET_LOCAL] = config->locals_max,
                                       [PM_SET_HEARD] = config->candidates_max,
                                       [PM_SET_CANDIDATE] = config->candidates_max,
                                       [PM_SET_VERIFIED] = config->members_max,
                                       [PM_SET_LOST] = config->lost_max,
                                       [PM_SET_SELF] = PM_TABLE_SELF_MAX};
  *table = (struct pm_table){0};
  table->details_max = config->members_max;
  table->aliases_max = config->members_max;
  /* Heard and candidates share their maximum. */
  table->slots_max = config->locals_max + config->candidates_max + config->members_max +
                     config->lost_max + PM_TABLE_SELF_MAX;
  uint32_t size = index_size(table->slots_max + table->aliases_max);
  table->index_mask = size - 1;
  table->slots = pm_arena_take(arena, table->slots_max, sizeof *table->slots);
  table->details = pm_arena_take(arena, table->details_max, sizeof *table->details);
  table->aliases = pm_arena_take(arena, table->aliases_max, sizeof *table->aliases);
  table->index = pm_arena_take(arena, size, sizeof *table->index);
  table->heap = pm_arena_take(arena, table->slots_max, sizeof *table->heap);
  table->heap_due = pm_arena_take(arena, table->slots_max, sizeof *table->heap_due);
  table->free_details = pm_arena_take(arena, table->details_max, sizeof *table->free_details);
  table->id_hashes = pm_arena_take(arena, table->details_max, sizeof *table->id_hashes);
  for (int s = 0; s < PM_SET_COUNT; s++) {
    table->sets[s].capacity = capacities[s];
    table->sets[s].slots = pm_arena_take(arena, capacities[s], sizeof(uint32_t));
  }
}

/* Slots are handed out from the lowest up, and freed ones first, so that memory that was never
 * needed is never touched. */
void pm_table_init(struct pm_table *table) {
  table->free_slot = PM_NO_SLOT;
  table->slots_used = 0;
  for (uint32_t i = 0; i <= table->index_mask; i++) table->index[i] = PM_NO_SLOT;
  for (uint32_t i = 0; i < table->details_max; i++)
    table->free_details[i] = table->details_max - 1 - i;
  table->free_details_count = table->details_max;
  memset(table->id_hashes, 0, table->details_max * sizeof *table->id_hashes);
  for (uint32_t i = 0; i < table->aliases_max; i++) table->aliases[i].owner = PM_NO_SLOT;
}

/* --- index ------------------------------------------------------------------------------------ */

static uint64_t entry_key(const struct pm_table *table, uint32_t entry) {
  return entry < table->slots_max ? table->slots[entry].key
                                  : table->aliases[entry - table->slots_max].key;
}

static uint32_t index_place(const struct pm_table *table, uint64_t key) {
  uint32_t at = (uint32_t)key & table->index_mask;
  while (table->index[at] != PM_NO_SLOT && entry_key(table, table->index[at]) != key)
    at = (at + 1) & table->index_mask;
  return at;
}

static void index_put(struct pm_table *table, uint64_t key, uint32_t entry) {
  table->index[index_place(table, key)] = entry;
}

/* Removal closes the gap (Knuth 6.4, algorithm R), so that there are no tombstones to fill up. */
static void index_remove(struct pm_table *table, uint64_t key) {
  uint32_t mask = table->index_mask;
  uint32_t gap = index_place(table, key);
  uint32_t at = gap;
  for (;;) {
    table->index[gap] = PM_NO_SLOT;
    for (;;) {
      at = (at + 1) & mask;
      if (table->index[at] == PM_NO_SLOT) return;
      uint32_t home = (uint32_t)entry_key(table, table->index[at]) & mask;
      if (((at - home) & mask) >= ((at - gap) & mask)) break;
    }
    table->index[gap] = table->index[at];
    gap = at;
  }
}

uint32_t pm_table_find(const struct pm_table *table, uint64_t key) {
  uint32_t entry = table->index[index_place(table, key)];
  if (entry == PM_NO_SLOT || entry < table->slots_max) return entry;
  return table->aliases[entry - table->slots_max].owner;
}

struct pm_member *pm_table_at(const struct pm_table *table, uint32_t slot) {
  return &table->slots[slot];
}

struct pm_member_detail *pm_table_detail(const struct pm_table *table, const struct pm_member *m) {
  return m->detail == PM_NO_SLOT ? NULL : &table->details[m->detail];
}

uint32_t pm_table_slot(const struct pm_table *table, const struct pm_member *m) {
  return (uint32_t)(m - table->slots);
}

uint64_t pm_table_handle(const struct pm_table *table, const struct pm_member *m) {
  return (uint64_t)m->generation << 32 | pm_table_slot(table, m);
}

struct pm_member *pm_table_by_handle(const struct pm_table *table, uint64_t handle) {
  uint32_t slot = (uint32_t)handle;
  if (handle == 0 || slot >= table->slots_used) return NULL;
  struct pm_member *m = &table->slots[slot];
  if (m->generation != handle >> 32 || m->state == PM_MEMBER_FREE) return NULL;
  return m;
}

/* --- sets ------------------------------------------------------------------------------------- */

static enum pm_set set_of(enum pm_member_state state) {
  switch (state) {
  case PM_MEMBER_LOCAL:
    return PM_SET_LOCAL;
  case PM_MEMBER_HEARD:
    return PM_SET_HEARD;
  case PM_MEMBER_CANDIDATE:
    return PM_SET_CANDIDATE;
  case PM_MEMBER_VERIFIED:
  case PM_MEMBER_SUSPECT:
    return PM_SET_VERIFIED;
  case PM_MEMBER_LOST:
    return PM_SET_LOST;
  case PM_MEMBER_SELF:
    return PM_SET_SELF;
  case PM_MEMBER_FREE:
  case PM_MEMBER_STATE_COUNT:
    break;
  }
  return PM_SET_COUNT;
}

static bool is_new(enum pm_set set) {
  return set == PM_SET_HEARD || set == PM_SET_CANDIDATE;
}

static bool set_has_room(const struct pm_table *table, enum pm_set from, enum pm_set to) {
  if (from == to) return true;
  if (is_new(from) && is_new(to)) return true;
  uint32_t count = table->sets[to].count;
  if (is_new(to)) count = table->sets[PM_SET_HEARD].count + table->sets[PM_SET_CANDIDATE].count;
  return count < table->sets[to].capacity;
}

bool pm_table_has_room(const struct pm_table *table, enum pm_member_state state) {
  return set_has_room(table, PM_SET_COUNT, set_of(state));
}

static void set_insert(struct pm_table *table, struct pm_member *m, enum pm_set which) {
  struct pm_table_set *set = &table->sets[which];
  m->set_pos = set->count;
  set->slots[set->count++] = pm_table_slot(table, m);
}

static void set_remove(struct pm_table *table, struct pm_member *m, enum pm_set which) {
  struct pm_table_set *set = &table->sets[which];
  uint32_t last = set->slots[--set->count];
  set->slots[m->set_pos] = last;
  table->slots[last].set_pos = m->set_pos;
}

/* --- slots ------------------------------------------------------------------------------------ */

static uint32_t slot_take(struct pm_table *table) {
  if (table->free_slot != PM_NO_SLOT) {
    uint32_t slot = table->free_slot;
    table->free_slot = table->slots[slot].next;
    return slot;
  }
  if (table->slots_used == table->slots_max) return PM_NO_SLOT;
  uint32_t slot = table->slots_used++;
  table->slots[slot].generation = 0;
  return slot;
}

struct pm_member *pm_table_add(struct pm_table *table, const struct pm_contact *contact,
                               uint64_t key, enum pm_member_state state) {
  if (!pm_table_has_room(table, state)) return NULL;
  uint32_t slot = slot_take(table);
  if (slot == PM_NO_SLOT) return NULL;
  struct pm_member *m = &table->slots[slot];
  *m = (struct pm_member){.generation = m->generation + 1,
                          .key = key,
                          .pub = pm_contact_hash(contact, 0),
                          .contact = *contact,
                          .state = (uint8_t)state,
                          .heap_pos = PM_NO_SLOT,
                          .next = PM_NO_SLOT,
                          .prev = PM_NO_SLOT,
                          .detail = PM_NO_SLOT};
  index_put(table, key, slot);
  set_insert(table, m, set_of(state));
  return m;
}

static void detail_take(struct pm_table *table, struct pm_member *m) {
  assert(table->free_details_count > 0);
  m->detail = table->free_details[--table->free_details_count];
  table->details[m->detail] = (struct pm_member_detail){.active_pos = PM_NO_SLOT};
  table->details[m->detail].owner = pm_table_slot(table, m);
}

static void detail_release(struct pm_table *table, struct pm_member *m) {
  table->free_details[table->free_details_count++] = m->detail;
  table->id_hashes[m->detail] = 0;
  m->detail = PM_NO_SLOT;
}

bool pm_table_move(struct pm_table *table, struct pm_member *m, enum pm_member_state state) {
  enum pm_set from = set_of((enum pm_member_state)m->state), to = set_of(state);
  if (!set_has_room(table, from, to)) return false;
  if (from != to) {
    set_remove(table, m, from);
    set_insert(table, m, to);
    if (to == PM_SET_VERIFIED)
      detail_take(table, m);
    else if (from == PM_SET_VERIFIED)
      detail_release(table, m);
  }
  m->state = (uint8_t)state;
  return true;
}

void pm_table_drop(struct pm_table *table, struct pm_member *m) {
  assert(m->queue == 0);
  pm_table_set_due(table, m, PM_TIME_NEVER);
  pm_table_alias_drop_all(table, m);
  index_remove(table, m->key);
  enum pm_set set = set_of((enum pm_member_state)m->state);
  set_remove(table, m, set);
  if (set == PM_SET_VERIFIED) detail_release(table, m);
  m->state = PM_MEMBER_FREE;
  m->next = table->free_slot;
  table->free_slot = pm_table_slot(table, m);
}

void pm_table_rekey(struct pm_table *table, struct pm_member *m, uint64_t key, uint64_t pub) {
  index_remove(table, m->key);
  m->key = key;
  m->pub = pub;
  index_put(table, key, pm_table_slot(table, m));
}

/* --- identities --------------------------------------------------------------------------------
 */

static uint32_t id_hash(const struct pm_node_id *id) {
  uint32_t hash = (uint32_t)XXH3_64bits(id->bytes, sizeof id->bytes);
  return hash ? hash : 1;
}

void pm_table_set_identity(struct pm_table *table, const struct pm_member *m,
                           const struct pm_node_id *id, uint64_t inc) {
  struct pm_member_detail *d = &table->details[m->detail];
  d->id = *id;
  d->inc = inc;
  table->id_hashes[m->detail] = id_hash(id);
}

/* A short hash first, side by side in memory; the whole id where it matches. */
struct pm_member *pm_table_next_with_id(const struct pm_table *table, const struct pm_node_id *id,
                                        uint32_t *at) {
  uint32_t hash = id_hash(id), i = *at;
  while (i < table->details_max &&
         (table->id_hashes[i] != hash || !pm_node_id_equal(&table->details[i].id, id)))
    i++;
  *at = i + 1;
  return i < table->details_max ? &table->slots[table->details[i].owner] : NULL;
}

struct pm_member *pm_table_by_identity(const struct pm_table *table, const struct pm_node_id *id,
                                       uint64_t inc, const struct pm_member *other_than) {
  struct pm_member *m;
  uint32_t at = 0;
  while ((m = pm_table_next_with_id(table, id, &at)))
    if (m != other_than && table->details[m->detail].inc == inc) break;
  return m;
}

/* --- aliases ---------------------------------------------------------------------------------- */

bool pm_table_alias_add(struct pm_table *table, struct pm_member *m, uint64_t key, uint64_t pub) {
  uint32_t owner = pm_table_slot(table, m), place = PM_NO_SLOT, own = 0;
  if (pm_table_find(table, key) != PM_NO_SLOT) return false;
  for (uint32_t i = 0; i < table->aliases_max; i++) {
    if (table->aliases[i].owner == owner)
      own++;
    else if (table->aliases[i].owner == PM_NO_SLOT && place == PM_NO_SLOT)
      place = i;
  }
  if (place == PM_NO_SLOT || own >= PM_TABLE_ALIASES_EACH) return false;
  table->aliases[place] = (struct pm_alias){.key = key, .pub = pub, .owner = owner};
  table->aliases_count++;
  index_put(table, key, table->slots_max + place);
  return true;
}

void pm_table_alias_drop_all(struct pm_table *table, const struct pm_member *m) {
  uint32_t owner = pm_table_slot(table, m);
  for (uint32_t i = 0; table->aliases_count > 0 && i < table->aliases_max; i++) {
    if (table->aliases[i].owner != owner) continue;
    index_remove(table, table->aliases[i].key);
    table->aliases[i].owner = PM_NO_SLOT;
    table->aliases_count--;
  }
}

/* --- timers ----------------------------------------------------------------------------------- */

/* Four children each, the times of which lie side by side: most of a heap is cold in a table that
 * is looked at a few times a second. */
enum { HEAP_CHILDREN = 4 };

static void heap_set(struct pm_table *table, uint32_t at, uint32_t slot, struct pm_time due) {
  table->heap[at] = slot;
  table->heap_due[at] = due;
  table->slots[slot].heap_pos = at;
}

/* Both find the place of a slot, beginning at one that may be overwritten. */
static uint32_t heap_rise(struct pm_table *table, uint32_t at, struct pm_time due) {
  while (at > 0) {
    uint32_t parent = (at - 1) / HEAP_CHILDREN;
    if (!pm_time_before(due, table->heap_due[parent])) break;
    heap_set(table, at, table->heap[parent], table->heap_due[parent]);
    at = parent;
  }
  return at;
}

static uint32_t heap_sink(struct pm_table *table, uint32_t at, struct pm_time due) {
  for (;;) {
    uint32_t first = HEAP_CHILDREN * at + 1, end = first + HEAP_CHILDREN;
    if (end > table->heap_count) end = table->heap_count;
    if (first >= end) return at;
    uint32_t child = first;
    for (uint32_t c = first + 1; c < end; c++)
      if (pm_time_before(table->heap_due[c], table->heap_due[child])) child = c;
    if (!pm_time_before(table->heap_due[child], due)) return at;
    heap_set(table, at, table->heap[child], table->heap_due[child]);
    at = child;
  }
}

static void heap_place(struct pm_table *table, uint32_t at, uint32_t slot, struct pm_time due) {
  uint32_t risen = heap_rise(table, at, due);
  heap_set(table, risen == at ? heap_sink(table, at, due) : risen, slot, due);
}

static void heap_remove(struct pm_table *table, struct pm_member *m) {
  uint32_t at = m->heap_pos, last = --table->heap_count;
  m->heap_pos = PM_NO_SLOT;
  if (at != last) heap_place(table, at, table->heap[last], table->heap_due[last]);
}

void pm_table_set_due(struct pm_table *table, struct pm_member *m, struct pm_time due) {
  if (due.ns == PM_TIME_NEVER.ns) {
    if (m->heap_pos != PM_NO_SLOT) heap_remove(table, m);
    return;
  }
  uint32_t at = m->heap_pos == PM_NO_SLOT ? table->heap_count++ : m->heap_pos;
  heap_place(table, at, pm_table_slot(table, m), due);
}

struct pm_time pm_table_first_at(const struct pm_table *table) {
  return table->heap_count == 0 ? PM_TIME_NEVER : table->heap_due[0];
}

struct pm_member *pm_table_first_due(const struct pm_table *table) {
  return table->heap_count == 0 ? NULL : &table->slots[table->heap[0]];
}
