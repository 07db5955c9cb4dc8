#include "node/peer_import.h"

#include <stdlib.h>
#include <string.h>

#include "gossip/peers_doc.h"

struct import {
  struct pm_peer_imports *owner;
  uint64_t exchange; /* 0: free */
  struct pm_target_spec teacher;
};

struct pm_peer_imports {
  struct pm_peer_imports_config config;
  struct import slots[PM_IMPORTS_MAX];
};

/* What became of a list's entries. */
struct tally {
  size_t added, known, self, foreign, malformed, denied, full;
};

enum pm_err pm_peer_imports_new(const struct pm_peer_imports_config *config,
                                struct pm_peer_imports **out) {
  struct pm_peer_imports *imports = calloc(1, sizeof(*imports));
  if (!imports) return PM_ERR_NOMEM;
  imports->config = *config;
  for (size_t i = 0; i < PM_IMPORTS_MAX; i++) imports->slots[i].owner = imports;
  *out = imports;
  return PM_OK;
}

void pm_peer_imports_free(struct pm_peer_imports *imports) {
  if (!imports) return;
  for (size_t i = 0; i < PM_IMPORTS_MAX; i++)
    if (imports->slots[i].exchange)
      pm_exchange_cancel(imports->config.exchanger, imports->slots[i].exchange);
  free(imports);
}

/* The entry's URL as what we would probe. False: it is not the kind of URL that a node has. */
static bool as_ping_endpoint(const struct pm_endpoint *listed, struct pm_endpoint *out) {
  char path[PM_URL_BYTES];
  pm_endpoint_path(listed, path);
  if (strcmp(path, "/v1/ping") != 0 && strcmp(path, "/v1/peers") != 0) return false;
  return pm_endpoint_with_path(listed, "/v1/ping", out) == PM_OK;
}

static void add_entry(const struct import *import, const struct pm_peer_entry *entry,
                      const struct pm_ip *source, struct tally *tally) {
  const struct pm_peer_imports *imports = import->owner;
  struct pm_endpoint listed;
  struct pm_target_spec spec = {
      .learned = PM_LEARNED_PEER,
      .source = *source,
      .limit = import->teacher.limit,
      .delay_s = import->teacher.delay_s,
      .fail_max = import->teacher.fail_max,
  };
  if (pm_endpoint_parse(entry->url, NULL, &listed, NULL) != PM_OK) {
    tally->malformed++;
    return;
  }
  if (!as_ping_endpoint(&listed, &spec.endpoint)) {
    tally->foreign++;
    return;
  }
  if (pm_identity_is_self(imports->config.identity, &spec.endpoint)) {
    tally->self++;
    return;
  }
  spec.endpoint.location[0] = '\0'; /* the remote says itself where it is */
  pm_endpoint_host_port(&import->teacher.endpoint, spec.learned_from);
  uint64_t id;
  switch (pm_prober_add(imports->config.prober, &spec, &id, NULL)) {
  case PM_OK:
    tally->added++;
    break;
  case PM_ERR_DUPLICATE:
    tally->known++;
    break;
  case PM_ERR_DENIED:
    tally->denied++;
    break;
  default:
    tally->full++;
    break;
  }
}

static void take_list(const struct import *import, const struct pm_exchange_result *result) {
  const struct pm_log *log = import->owner->config.log;
  const char *url = import->teacher.endpoint.url;
  struct pm_peers_doc doc;
  struct pm_why why;
  struct tally tally = {0};
  if (pm_peers_doc_read(result->body, result->body_bytes, &doc, &why) != PM_OK) {
    pm_log(log, PM_LOG_INFO, "peers of %s: %s", url, why.text);
    return;
  }
  tally.malformed = doc.skipped;
  for (size_t i = 0; i < doc.peers_count; i++)
    add_entry(import, &doc.peers[i], &result->sample.remote, &tally);
  pm_peers_doc_free(&doc);
  pm_log(log, PM_LOG_INFO,
         "peers of %s: %zu added, %zu known, %zu ourselves, %zu no nodes, %zu malformed, "
         "%zu against the address policy, %zu too many",
         url, tally.added, tally.known, tally.self, tally.foreign, tally.malformed, tally.denied,
         tally.full);
}

static void on_result(void *owner, const struct pm_exchange_result *result) {
  struct import *import = owner;
  import->exchange = 0;
  if (result->sample.outcome == PM_OUTCOME_SUCCESS)
    take_list(import, result);
  else
    pm_log(import->owner->config.log, PM_LOG_INFO, "peers of %s: %s", import->teacher.endpoint.url,
           result->detail);
}

static struct import *free_slot(struct pm_peer_imports *imports) {
  for (size_t i = 0; i < PM_IMPORTS_MAX; i++)
    if (!imports->slots[i].exchange) return &imports->slots[i];
  return NULL;
}

enum pm_err pm_peer_imports_start(struct pm_peer_imports *imports,
                                  const struct pm_target_spec *teacher, struct pm_why *why) {
  struct import *import = free_slot(imports);
  if (!import)
    return pm_why_set(why, PM_ERR_FULL,
                      "%s: %d lists of peers are being read already; try again in a few seconds",
                      teacher->endpoint.url, PM_IMPORTS_MAX);
  struct pm_endpoint list;
  enum pm_err err = pm_endpoint_with_path(&teacher->endpoint, "/v1/peers?addpeers=true", &list);
  if (err != PM_OK) return pm_why_set(why, err, "%s: the URL is too long", teacher->endpoint.url);
  int64_t timeout_ms = imports->config.timeout_ms;
  struct pm_exchange_request request = {
      .endpoint = &list,
      .learned = teacher->learned,
      .source = teacher->source,
      .insecure = teacher->insecure,
      .limits = {.lookup_ms = timeout_ms,
                 .connect_ms = timeout_ms,
                 .total_ms = timeout_ms,
                 .body_bytes_max = PM_PEERS_DOC_BYTES_MAX,
                 .body_bytes_kept = PM_PEERS_DOC_BYTES_MAX},
  };
  import->teacher = *teacher;
  err =
      pm_exchange_start(imports->config.exchanger, &request, on_result, import, &import->exchange);
  if (err != PM_OK)
    return pm_why_set(why, err, "%s: its peers cannot be asked for now: %s", list.url,
                      pm_err_text(err));
  return PM_OK;
}
