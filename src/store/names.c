#include "store/names.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

static void bind_text(sqlite3_stmt *statement, int at, const char *text) {
  sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT);
}

static const char *column_text(sqlite3_stmt *statement, int at) {
  const unsigned char *text = sqlite3_column_text(statement, at);
  return text ? (const char *)text : "";
}

struct node {
  int64_t id; /* 0: none */
  bool same;  /* as the name that was looked for */
  bool blank; /* its URL is not known */
  int64_t reported;
};

static struct node node_by_key(struct pm_database *db, const struct pm_store_name *name) {
  sqlite3_stmt *statement = pm_database_statement(db, PM_SQL_NODE_BY_KEY);
  struct node node = {0};
  if (statement == NULL) return node;
  bind_text(statement, 1, name->key);
  if (!pm_database_step(db, statement)) return node;
  node.id = sqlite3_column_int64(statement, 0);
  node.same = (!name->url[0] || strcmp(column_text(statement, 1), name->url) == 0) &&
              (!name->location[0] || strcmp(column_text(statement, 2), name->location) == 0);
  node.blank = !column_text(statement, 1)[0];
  node.reported = sqlite3_column_int64(statement, 3);
  sqlite3_reset(statement);
  return node;
}

/* Either of two may take the other's history: one that is now known by its key takes what was
 * written under its URL, and one that is known by its URL alone, as after a restart, is the node
 * that was there last. */
static struct node node_by_url(struct pm_database *db, const struct pm_store_name *name,
                               char key[PM_URL_BYTES]) {
  sqlite3_stmt *statement = pm_database_statement(db, PM_SQL_NODE_BY_URL);
  struct node node = {0};
  bool by_url_alone = strcmp(name->key, name->url) == 0;
  if (statement == NULL || !name->url[0]) return node;
  bind_text(statement, 1, name->url);
  if (!pm_database_step(db, statement)) return node;
  const char *known = column_text(statement, 1);
  bool had_no_key = strcmp(known, name->url) == 0;
  if (by_url_alone || had_no_key) {
    node.id = sqlite3_column_int64(statement, 0);
    node.reported = sqlite3_column_int64(statement, 3);
    node.blank = true; /* of its key */
    snprintf(key, PM_URL_BYTES, "%s", by_url_alone ? known : name->key);
    node.same = by_url_alone &&
                (!name->location[0] || strcmp(column_text(statement, 2), name->location) == 0);
  }
  sqlite3_reset(statement);
  return node;
}

static void set_node(struct pm_database *db, int64_t id, const char *key,
                     const struct pm_store_name *name) {
  sqlite3_stmt *statement = pm_database_statement(db, PM_SQL_NODE_SET);
  if (statement == NULL) return;
  sqlite3_bind_int64(statement, 1, id);
  bind_text(statement, 2, key);
  bind_text(statement, 3, name->url);
  bind_text(statement, 4, name->location);
  pm_database_run(db, statement);
}

static int64_t add_node(struct pm_database *db, const struct pm_store_name *name) {
  sqlite3_stmt *statement = pm_database_statement(db, PM_SQL_NODE_ADD);
  if (statement == NULL) return 0;
  bind_text(statement, 1, name->key);
  bind_text(statement, 2, name->url);
  bind_text(statement, 3, name->location);
  pm_database_run(db, statement);
  return db->status == SQLITE_OK ? sqlite3_last_insert_rowid(db->handle) : 0;
}

static int64_t node_of(struct pm_database *db, const struct pm_store_name *name) {
  char key[PM_URL_BYTES];
  snprintf(key, sizeof(key), "%s", name->key);
  struct node node = node_by_key(db, name);
  if (node.id == 0) node = node_by_url(db, name, key);
  if (db->status != SQLITE_OK) return 0;
  if (node.id == 0) return add_node(db, name);
  if (!node.same) set_node(db, node.id, key, name);
  return node.id;
}

static int64_t find_reported(struct pm_database *db, const struct pm_store_name *name,
                             int64_t minute) {
  char key[PM_URL_BYTES];
  int64_t hour = pm_tier_align(PM_TIER_HOUR, minute);
  snprintf(key, sizeof(key), "%s", name->key);
  struct node node = node_by_key(db, name);
  if (node.id == 0) node = node_by_url(db, name, key);
  if (db->status == SQLITE_OK && node.id == 0)
    node = (struct node){.id = add_node(db, name), .same = true};
  if (db->status != SQLITE_OK) return 0;
  if (!node.same && node.blank) set_node(db, node.id, key, name);
  sqlite3_stmt *mark =
      node.reported < hour ? pm_database_statement(db, PM_SQL_NODE_REPORTED) : NULL;
  if (mark != NULL) {
    sqlite3_bind_int64(mark, 1, node.id);
    sqlite3_bind_int64(mark, 2, hour);
    pm_database_run(db, mark);
  }
  return node.id;
}

/* FNV-1a. Who makes keys share a place costs us a look into the table each time. */
static size_t place_of(const char *key) {
  uint32_t hash = 2166136261u;
  for (; *key != '\0'; key++) hash = (hash ^ (unsigned char)*key) * 16777619u;
  return hash % PM_NAMED_NODES;
}

/* Every list of a transaction is of the same ten minutes, or nearly: who was marked once needs no
 * other mark. */
int64_t pm_names_reported(struct pm_database *db, const struct pm_store_name *name,
                          int64_t minute) {
  size_t length = strlen(name->key);
  if (length >= PM_NAMED_KEY_BYTES) return find_reported(db, name, minute);
  struct pm_named_node *named = &db->named[place_of(name->key)];
  if (strcmp(named->key, name->key) == 0 && length > 0) return named->id;
  int64_t id = find_reported(db, name, minute);
  if (id > 0) {
    memcpy(named->key, name->key, length + 1);
    named->id = id;
  }
  return id;
}

int64_t pm_names_node(struct pm_database *db, const char *key) {
  struct node node = node_by_key(db, &(struct pm_store_name){key, "", ""});
  return node.reported > 0 ? node.id : 0;
}

static int64_t add_pair(struct pm_database *db, int64_t from, int64_t to, int64_t minute) {
  sqlite3_stmt *statement = pm_database_statement(db, PM_SQL_PAIR_ADD);
  if (statement == NULL) return 0;
  sqlite3_bind_int64(statement, 1, from);
  sqlite3_bind_int64(statement, 2, to);
  sqlite3_bind_int64(statement, 3, minute);
  pm_database_run(db, statement);
  return db->status == SQLITE_OK ? sqlite3_last_insert_rowid(db->handle) : 0;
}

static void pair_seen(struct pm_database *db, int64_t pair, int64_t minute) {
  sqlite3_stmt *statement = pm_database_statement(db, PM_SQL_PAIR_SEEN);
  if (statement == NULL) return;
  sqlite3_bind_int64(statement, 1, pair);
  sqlite3_bind_int64(statement, 2, minute);
  pm_database_run(db, statement);
}

/* To the hour, so that the pair is written once an hour. */
int64_t pm_names_pair(struct pm_database *db, const struct pm_store_name *from,
                      const struct pm_store_name *to, int64_t minute) {
  int64_t hour = pm_tier_align(PM_TIER_HOUR, minute);
  int64_t from_id = node_of(db, from);
  int64_t to_id = from_id ? node_of(db, to) : 0;
  sqlite3_stmt *statement = to_id ? pm_database_statement(db, PM_SQL_PAIR_BY_NODES) : NULL;
  if (statement == NULL) return 0;
  sqlite3_bind_int64(statement, 1, from_id);
  sqlite3_bind_int64(statement, 2, to_id);
  if (!pm_database_step(db, statement))
    return db->status == SQLITE_OK ? add_pair(db, from_id, to_id, hour) : 0;
  int64_t pair = sqlite3_column_int64(statement, 0);
  bool seen =
      hour >= sqlite3_column_int64(statement, 1) && hour <= sqlite3_column_int64(statement, 2);
  sqlite3_reset(statement);
  if (!seen) pair_seen(db, pair, hour);
  return pair < PM_TIER_PAIR_MAX ? pair : 0;
}

int64_t pm_names_find(struct pm_database *db, const char *from_key, const char *to_key) {
  sqlite3_stmt *statement = pm_database_statement(db, PM_SQL_PAIR_BY_KEYS);
  if (statement == NULL) return 0;
  bind_text(statement, 1, from_key);
  bind_text(statement, 2, to_key);
  if (!pm_database_step(db, statement)) return 0;
  int64_t pair = sqlite3_column_int64(statement, 0);
  sqlite3_reset(statement);
  return pair;
}

static size_t take_ids(struct pm_database *db, sqlite3_stmt *statement, int64_t *out, size_t max) {
  size_t count = 0;
  while (count < max && pm_database_step(db, statement))
    out[count++] = sqlite3_column_int64(statement, 0);
  sqlite3_reset(statement);
  return count;
}

size_t pm_names_pairs_at(struct pm_database *db, const char *from_location, const char *to_location,
                         int64_t *out, size_t max) {
  sqlite3_stmt *statement = pm_database_statement(db, PM_SQL_PAIRS_BY_LOCATIONS);
  if (statement == NULL) return 0;
  bind_text(statement, 1, from_location);
  bind_text(statement, 2, to_location);
  sqlite3_bind_int64(statement, 3, (int64_t)max);
  return take_ids(db, statement, out, max);
}

size_t pm_names_nodes_at(struct pm_database *db, const char *location, int64_t *out, size_t max) {
  sqlite3_stmt *statement = pm_database_statement(db, PM_SQL_NODES_BY_LOCATION);
  if (statement == NULL) return 0;
  bind_text(statement, 1, location);
  sqlite3_bind_int64(statement, 2, (int64_t)max);
  return take_ids(db, statement, out, max);
}

void pm_names_visit(struct pm_database *db, int64_t after, size_t max, pm_names_visitor visit,
                    void *owner) {
  sqlite3_stmt *statement = pm_database_statement(db, PM_SQL_PAIRS);
  if (statement == NULL) return;
  sqlite3_bind_int64(statement, 1, after);
  sqlite3_bind_int64(statement, 2, (int64_t)max);
  while (pm_database_step(db, statement)) {
    struct pm_store_pair pair = {
        .id = sqlite3_column_int64(statement, 0),
        .from = {column_text(statement, 1), column_text(statement, 2), column_text(statement, 3)},
        .to = {column_text(statement, 4), column_text(statement, 5), column_text(statement, 6)},
        .first_s = sqlite3_column_int64(statement, 7) * 60,
        .last_s = sqlite3_column_int64(statement, 8) * 60,
    };
    if (visit(owner, &pair)) continue;
    sqlite3_reset(statement);
    return;
  }
}

void pm_names_forget(struct pm_database *db, int64_t minute, int64_t reported_minute) {
  sqlite3_stmt *pairs = pm_database_statement(db, PM_SQL_PAIRS_DROP);
  if (pairs == NULL) return;
  sqlite3_bind_int64(pairs, 1, minute);
  pm_database_run(db, pairs);
  sqlite3_stmt *nodes = pm_database_statement(db, PM_SQL_NODES_DROP);
  if (nodes == NULL) return;
  sqlite3_bind_int64(nodes, 1, reported_minute);
  pm_database_run(db, nodes);
}
