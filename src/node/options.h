/* Configuration: one table of options feeds parsing, --help, --print-config and /v1/env. Pure: the
 * environment is handed in, files are read by who uses them.
 *
 * Flags are written as Go's flag package takes them: -n 5, -n=5, --n=5; booleans -v, -v=false;
 * parsing stops at the first argument that is no flag, or at "--". The flag wins over its
 * environment variable, but for PINGMESH_DELAY, _LIMIT and _MAXFAIL, where the environment has
 * always won, and says so.
 */
#ifndef PM_NODE_OPTIONS_H
#define PM_NODE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/endpoint.h"
#include "base/err.h"
#include "base/policy.h"

enum {
  PM_OPTIONS_RULES_MAX = PM_POLICY_RULES_MAX, /* --allow and --deny, each */
  PM_OPTIONS_NOTES_BYTES = 4096,
};

struct pm_options_list {
  const char *items[PM_OPTIONS_RULES_MAX];
  size_t count;
};

/* A target as configured: "https+insecure://…" switches verification off for it alone. */
struct pm_options_target {
  struct pm_endpoint endpoint;
  bool insecure;
};

/* Strings are borrowed from argv and the environment. */
struct pm_options {
  const char *hostname, *ip_override, *location;
  int64_t delay_s, fail_max, limit;
  int64_t listen_port, report_port; /* report_port 0: the listen port */
  int64_t verbosity;                /* 0 … 3 */
  const char *bind, *output;
  int64_t timeout_s, connect_timeout_s, lookup_timeout_s;
  int64_t body_bytes_max, in_flight_max, given_up_retry_s;
  const char *ca, *tls_cert, *tls_key, *admin_token_file;
  bool insecure, token_only, grow, legacy_peers, kernel_timing, mutual_tls;
  const char *public_read; /* "on" or "off" */
  const char *sandbox;     /* "auto", "off" or "require" */
  int64_t connections_max, client_rate;
  int64_t ttl, max_peers, pace_s, metrics_max_series, state_max_mb;
  const char *mesh, *mesh_key_file, *state_dir, *targets_file;
  struct pm_options_list allow, deny;
  struct pm_options_list publish; /* names of sinks, see pm_options_publishes */
  bool cloudwatch;                /* -c, the same as --publish cloudwatch */
  const char *cloudwatch_legacy;  /* "on" or "off" */
  int64_t cloudwatch_interval_s, cloudwatch_metrics_max;
  int64_t forecast_nodes; /* 0: not said */
  const char *publish_file, *otlp_url, *webhook_url, *sentry_dsn;
  const char *clickhouse_url, *clickhouse_table, *clickhouse_user, *clickhouse_password;
  int64_t clickhouse_interval_s;
  int64_t alert_down, alert_loss_percent, alert_rtt_ms;
  int64_t alert_window_s, alert_windows_bad, alert_windows;

  const char *admin_token; /* from the environment only; NULL if not set */
  char location_text[2 *
                     PM_LOCATION_BYTES]; /* from REP_CITY and REP_COUNTRY, where location points */
  struct pm_options_target *targets;
  size_t targets_count;
  size_t targets_named; /* of them as arguments, the first ones; the others are PINGMESH_URL's */
  /* "Note: …" and "Warning: …" lines, each ended by a line end. */
  struct pm_buf notes;
  /* Per option: where its value came from, as text; see pm_options_visit. */
  const char *origins[128];
};

enum pm_options_action {
  PM_OPTIONS_RUN,
  PM_OPTIONS_HELP,
  PM_OPTIONS_VERSION,
  PM_OPTIONS_PRINT_CONFIG,
  PM_OPTIONS_FORECAST,      /* what CloudWatch would cost */
  PM_OPTIONS_DASHBOARD,     /* a CloudWatch dashboard's body */
  PM_OPTIONS_HEALTHCHECK,   /* ask the node that runs here, see node/healthcheck.h */
  PM_OPTIONS_NOTHING_TO_DO, /* no endpoint and no server: usage, exit 2 */
  PM_OPTIONS_WRONG,         /* why says what; exit 2 */
};

/* One endpoint as an argument or a line of a file has it. override: as -I, NULL for none. */
enum pm_err pm_options_target_parse(const char *text, const char *override,
                                    struct pm_options_target *out, struct pm_why *why) PM_MUST_USE;

typedef const char *(*pm_options_env)(void *owner, const char *name);

/* out is always to be given to pm_options_deinit. */
enum pm_options_action pm_options_parse(int argc, char **argv, pm_options_env env, void *env_owner,
                                        struct pm_options *out, struct pm_why *why);
void pm_options_deinit(struct pm_options *options);

/* Whether the sink of that name is to be opened. */
bool pm_options_publishes(const struct pm_options *options, const char *sink);

/* Whether the option of that name was written as a flag. */
bool pm_options_is_flag(const struct pm_options *options, const char *flag);

/* Every option with its value as text (secrets as "(set)" or "(not set)") and its origin. */
typedef void (*pm_options_visitor)(void *owner, const char *name, const char *value,
                                   const char *origin);
void pm_options_visit(const struct pm_options *options, pm_options_visitor visit, void *owner);

/* What --help prints. */
void pm_options_usage(struct pm_buf *out);
/* What --print-config prints: arguments, one a line and quoted for a shell, that give this very
 * configuration: `pingmesh --print-config … | xargs pingmesh`. Secrets are never in it. */
void pm_options_print(const struct pm_options *options, struct pm_buf *out);

#endif
