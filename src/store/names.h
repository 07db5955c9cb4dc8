/* Nodes and directed pairs in the database: which number a pair has. Blocks.
 */
#ifndef PM_STORE_NAMES_H
#define PM_STORE_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/answer.h"
#include "store/database.h"

/* Finds the pair or makes it, brings names up to date, and remembers that it was seen at that
 * minute. 0: it could not be, and db->status says why. */
int64_t pm_names_pair(struct pm_database *db, const struct pm_store_name *from,
                      const struct pm_store_name *to, int64_t minute);
/* Finds or makes a node that was in a report of that minute. A URL and location that are known
 * stay: who measures it itself knows better. 0 as above. */
int64_t pm_names_reported(struct pm_database *db, const struct pm_store_name *name, int64_t minute);
/* One that was in a report; 0: there is none. */
int64_t pm_names_node(struct pm_database *db, const char *key);
/* The numbers of pairs that were measured between two locations, and of nodes at one that were in
 * reports: ascending, the first max. Returns how many. */
size_t pm_names_pairs_at(struct pm_database *db, const char *from_location, const char *to_location,
                         int64_t *out, size_t max);
size_t pm_names_nodes_at(struct pm_database *db, const char *location, int64_t *out, size_t max);
/* 0: there is none. */
int64_t pm_names_find(struct pm_database *db, const char *from_key, const char *to_key);
/* Calls for each, ascending by id, until it returns false. Strings live for the call. */
typedef bool (*pm_names_visitor)(void *owner, const struct pm_store_pair *pair);
void pm_names_visit(struct pm_database *db, int64_t after, size_t max, pm_names_visitor visit,
                    void *owner);
/* Pairs not seen since that minute, and nodes of no pair and of no report since the other. */
void pm_names_forget(struct pm_database *db, int64_t minute, int64_t reported_minute);

#endif
