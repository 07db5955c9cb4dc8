#include "publish/otlp_encode.h"

#include <stdio.h>
#include <string.h>

#include "base/json_write.h"

enum { CUMULATIVE = 2 }; /* AGGREGATION_TEMPORALITY_CUMULATIVE */

/* What one metric is written from. */
struct encoding {
  struct pm_json_writer w;
  const struct pm_otlp_path *paths;
  size_t count;
  struct pm_wall now;
};

/* --- values -------------------------------------------------------------------------------------
 */

static void put_uint64(struct pm_json_writer *w, const char *name, uint64_t value) {
  char text[24];
  snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
  pm_json_put_string(w, name, text);
}

static void put_nano(struct pm_json_writer *w, const char *name, struct pm_wall at) {
  put_uint64(w, name, at.ns > 0 ? (uint64_t)at.ns : 0);
}

static void put_attribute(struct pm_json_writer *w, const char *key, const char *value) {
  pm_json_object_begin(w, NULL);
  pm_json_put_string(w, "key", key);
  pm_json_object_begin(w, "value");
  pm_json_put_string(w, "stringValue", value);
  pm_json_object_end(w);
  pm_json_object_end(w);
}

static void put_int_attribute(struct pm_json_writer *w, const char *key, uint64_t value) {
  pm_json_object_begin(w, NULL);
  pm_json_put_string(w, "key", key);
  pm_json_object_begin(w, "value");
  put_uint64(w, "intValue", value);
  pm_json_object_end(w);
  pm_json_object_end(w);
}

/* --- points -------------------------------------------------------------------------------------
 */

static void begin_attributes(struct pm_json_writer *w, const struct pm_otlp_names *names) {
  pm_json_array_begin(w, "attributes");
  put_attribute(w, "server.address", names->host);
  put_int_attribute(w, "server.port", names->port);
  put_attribute(w, "url.scheme", names->https ? "https" : "http");
  put_attribute(w, "url.full", names->url);
  put_attribute(w, "pingmesh.to.location", names->to);
}

static void begin_point(struct encoding *e, const struct pm_otlp_path *path) {
  pm_json_object_begin(&e->w, NULL);
  put_nano(&e->w, "startTimeUnixNano", path->start);
  put_nano(&e->w, "timeUnixNano", e->now);
  begin_attributes(&e->w, path->names);
}

static void put_histogram_values(struct pm_json_writer *w, const struct pm_buckets *buckets) {
  put_uint64(w, "count", buckets->count);
  pm_json_put_double(w, "sum", (double)buckets->sum_ns / PM_NS_PER_S, 9);
  pm_json_array_begin(w, "bucketCounts");
  for (size_t i = 0; i <= PM_BUCKETS_COUNT; i++) put_uint64(w, NULL, buckets->counts[i]);
  pm_json_array_end(w);
  pm_json_array_begin(w, "explicitBounds");
  for (size_t i = 0; i < PM_BUCKETS_COUNT; i++)
    pm_json_put_double(w, NULL, (double)pm_buckets_bound_ns(i) / PM_NS_PER_S, 6);
  pm_json_array_end(w);
}

/* --- metrics ------------------------------------------------------------------------------------
 */

static void begin_metric(struct encoding *e, const char *name, const char *unit,
                         const char *description, const char *kind) {
  pm_json_object_begin(&e->w, NULL);
  pm_json_put_string(&e->w, "name", name);
  pm_json_put_string(&e->w, "unit", unit);
  pm_json_put_string(&e->w, "description", description);
  pm_json_object_begin(&e->w, kind);
  if (strcmp(kind, "gauge") != 0) pm_json_put_int(&e->w, "aggregationTemporality", CUMULATIVE);
  if (strcmp(kind, "sum") == 0) pm_json_put_bool(&e->w, "isMonotonic", true);
  pm_json_array_begin(&e->w, "dataPoints");
}

static void end_metric(struct encoding *e) {
  pm_json_array_end(&e->w);
  pm_json_object_end(&e->w);
  pm_json_object_end(&e->w);
}

static void put_phase(struct encoding *e, enum pm_phase phase, const char *key,
                      const char *value_of(const struct pm_otlp_path *path, enum pm_phase phase)) {
  for (size_t i = 0; i < e->count; i++) {
    const struct pm_otlp_path *path = &e->paths[i];
    if (path->buckets[phase].count == 0) continue;
    begin_point(e, path);
    put_attribute(&e->w, key, value_of(path, phase));
    pm_json_array_end(&e->w);
    put_histogram_values(&e->w, &path->buckets[phase]);
    pm_json_object_end(&e->w);
  }
}

static const char *method_of(const struct pm_otlp_path *path, enum pm_phase phase) {
  (void)path;
  (void)phase;
  return "GET";
}

static const char *question_of(const struct pm_otlp_path *path, enum pm_phase phase) {
  (void)phase;
  return path->names->host;
}

static const char *phase_of(const struct pm_otlp_path *path, enum pm_phase phase) {
  (void)path;
  return pm_phase_text(phase);
}

/* A metric without points says nothing, and some receivers complain of it. */
static bool happened(const struct encoding *e, enum pm_phase phase) {
  for (size_t i = 0; i < e->count; i++)
    if (e->paths[i].buckets[phase].count > 0) return true;
  return false;
}

static void put_wholes(struct encoding *e) {
  begin_metric(e, "http.client.request.duration", "s",
               "Duration of successful probes, without the lookup.", "histogram");
  put_phase(e, PM_PHASE_TOTAL, "http.request.method", method_of);
  end_metric(e);
}

static void put_lookups(struct encoding *e) {
  begin_metric(e, "dns.lookup.duration", "s", "Duration of lookups.", "histogram");
  put_phase(e, PM_PHASE_DNS, "dns.question.name", question_of);
  end_metric(e);
}

static void put_phases(struct encoding *e) {
  begin_metric(e, "pingmesh.phase.duration", "s",
               "Duration of a successful probe's phase: TCP handshake, TLS handshake, request to "
               "first byte, first to last byte.",
               "histogram");
  for (enum pm_phase phase = PM_PHASE_TCP; phase <= PM_PHASE_LAST; phase++)
    put_phase(e, phase, "pingmesh.phase", phase_of);
  end_metric(e);
}

static void put_outcomes(struct encoding *e, const struct pm_otlp_path *path) {
  for (enum pm_outcome outcome = 0; outcome < PM_OUTCOME_COUNT; outcome++) {
    if (path->outcomes[outcome] == 0) continue;
    begin_point(e, path);
    put_attribute(&e->w, "pingmesh.outcome", pm_outcome_text(outcome));
    if (outcome != PM_OUTCOME_SUCCESS) put_attribute(&e->w, "error.type", pm_outcome_text(outcome));
    pm_json_array_end(&e->w);
    put_uint64(&e->w, "asInt", path->outcomes[outcome]);
    pm_json_object_end(&e->w);
  }
}

static void put_count(struct encoding *e, const char *name, const char *unit,
                      const char *description, size_t offset) {
  begin_metric(e, name, unit, description, "sum");
  for (size_t i = 0; i < e->count; i++) {
    begin_point(e, &e->paths[i]);
    pm_json_array_end(&e->w);
    put_uint64(&e->w, "asInt",
               *(const uint64_t *)(const void *)((const char *)&e->paths[i] + offset));
    pm_json_object_end(&e->w);
  }
  end_metric(e);
}

static void put_up(struct encoding *e) {
  begin_metric(e, "pingmesh.up", "1", "Whether the latest probe succeeded.", "gauge");
  for (size_t i = 0; i < e->count; i++) {
    pm_json_object_begin(&e->w, NULL);
    put_nano(&e->w, "timeUnixNano", e->paths[i].latest);
    begin_attributes(&e->w, e->paths[i].names);
    pm_json_array_end(&e->w);
    put_uint64(&e->w, "asInt", e->paths[i].up);
    pm_json_object_end(&e->w);
  }
  end_metric(e);
}

static void put_metrics(struct encoding *e) {
  pm_json_array_begin(&e->w, "metrics");
  if (happened(e, PM_PHASE_TOTAL)) put_wholes(e);
  if (happened(e, PM_PHASE_DNS)) put_lookups(e);
  if (happened(e, PM_PHASE_TCP)) put_phases(e);
  begin_metric(e, "pingmesh.probes", "{probe}", "Probes by outcome.", "sum");
  for (size_t i = 0; i < e->count; i++) put_outcomes(e, &e->paths[i]);
  end_metric(e);
  put_count(e, "pingmesh.probes.starved", "{probe}",
            "Probes during which this node was short of processor time.",
            offsetof(struct pm_otlp_path, starved));
  put_count(e, "pingmesh.probes.retransmitted", "{probe}",
            "Probes of which a packet was sent again.",
            offsetof(struct pm_otlp_path, retransmitted));
  put_count(e, "pingmesh.syns", "{packet}", "First SYNs: trials of the path's loss.",
            offsetof(struct pm_otlp_path, syns));
  put_count(e, "pingmesh.syns.lost", "{packet}", "Of these, those that were lost.",
            offsetof(struct pm_otlp_path, syns_lost));
  put_up(e);
  pm_json_array_end(&e->w);
}

/* --- the resource -------------------------------------------------------------------------------
 */

static bool is_given(const struct pm_otlp_env *env, const char *key) {
  for (size_t i = 0; i < env->attributes_count; i++)
    if (strcmp(env->attributes[i].name, key) == 0) return true;
  return false;
}

static void put_ours(struct pm_json_writer *w, const struct pm_otlp_env *env, const char *key,
                     const char *value) {
  if (!is_given(env, key)) put_attribute(w, key, value);
}

static void put_resource(struct pm_json_writer *w, const struct pm_otlp_resource *resource) {
  const struct pm_otlp_env *env = resource->env;
  pm_json_object_begin(w, "resource");
  pm_json_array_begin(w, "attributes");
  if (env->service[0] != '\0')
    put_attribute(w, "service.name", env->service);
  else
    put_ours(w, env, "service.name", "pingmesh");
  put_ours(w, env, "service.version", PM_VERSION);
  put_ours(w, env, "service.instance.id", resource->instance);
  put_ours(w, env, "host.name", resource->host);
  put_ours(w, env, "pingmesh.from.location", resource->from);
  for (size_t i = 0; i < env->attributes_count; i++) {
    const struct pm_otlp_attribute *attribute = &env->attributes[i];
    if (env->service[0] != '\0' && strcmp(attribute->name, "service.name") == 0) continue;
    put_attribute(w, attribute->name, attribute->value);
  }
  pm_json_array_end(w);
  pm_json_object_end(w);
}

void pm_otlp_encode(const struct pm_otlp_resource *resource, const struct pm_otlp_path *paths,
                    size_t count, struct pm_wall now, struct pm_buf *out) {
  struct encoding e = {.paths = paths, .count = count, .now = now};
  pm_json_writer_init(&e.w, out, false);
  pm_json_object_begin(&e.w, NULL);
  pm_json_array_begin(&e.w, "resourceMetrics");
  pm_json_object_begin(&e.w, NULL);
  put_resource(&e.w, resource);
  pm_json_array_begin(&e.w, "scopeMetrics");
  pm_json_object_begin(&e.w, NULL);
  pm_json_object_begin(&e.w, "scope");
  pm_json_put_string(&e.w, "name", "pingmesh");
  pm_json_put_string(&e.w, "version", PM_VERSION);
  pm_json_object_end(&e.w);
  put_metrics(&e);
  pm_json_object_end(&e.w);
  pm_json_array_end(&e.w);
  pm_json_object_end(&e.w);
  pm_json_array_end(&e.w);
  pm_json_object_end(&e.w);
}
