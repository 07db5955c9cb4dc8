#include "node/options_table.h"

#include "gossip/config.h"
#include "gossip/wire_pong.h"
#include "node/options.h"
#include "probe/roster.h"
#include "probe/target.h"
#include "publish/clickhouse.h"
#include "publish/cloudwatch.h"
#include "publish/cloudwatch_forecast.h"
#include "publish/incident.h"
#include "publish/prometheus.h"
#include "store/store.h"

#define AT(field) offsetof(struct pm_options, field)

/* clang-format off */
const struct pm_option pm_options_table[] = {
  /* The original's, under its names. */
  {.flag = "H", .env = "PINGMESH_HOSTNAME", .type = PM_OPTION_TEXT, .offset = AT(hostname), .meta = "name",
   .help = "this node's host name, as others are to reach it"},
  {.flag = "I", .type = PM_OPTION_TEXT, .offset = AT(ip_override), .meta = "address",
   .help = "connect to this address for the endpoints named as arguments, whatever their names resolve to"},
  {.flag = "L", .env = "REP_LOCATION", .type = PM_OPTION_TEXT, .offset = AT(location), .meta = "place",
   .help = "this node's location (else REP_CITY,REP_COUNTRY, else its own address)"},
  {.flag = "d", .env = "PINGMESH_DELAY", .type = PM_OPTION_INT, .offset = AT(delay_s), .low = 0,
   .high = PM_TARGET_DELAY_S_MAX, .fallback = PM_TARGET_DELAY_S_DEFAULT, .env_wins = true,
   .env_says = "environment is", .meta = "seconds", .help = "between probes of a peer; 0: probe each once"},
  {.flag = "n", .env = "PINGMESH_LIMIT", .type = PM_OPTION_INT, .offset = AT(limit), .low = 0,
   .high = INT32_MAX, .fallback = 0, .env_wins = true, .env_says = "from environment is", .meta = "probes",
   .help = "successful ones per peer, then stop; 0: until interrupted"},
  {.flag = "f", .env = "PINGMESH_MAXFAIL", .type = PM_OPTION_INT, .offset = AT(fail_max), .low = 1,
   .high = INT32_MAX, .fallback = PM_TARGET_FAIL_MAX_DEFAULT, .env_wins = true,
   .env_says = "from environment is", .meta = "failures", .help = "in a row after which a peer is given up"},
  {.flag = "r", .type = PM_OPTION_INT, .offset = AT(report_port), .low = 0, .high = 65535, .meta = "port",
   .help = "to report to others; 0: the listen port"},
  {.flag = "s", .type = PM_OPTION_INT, .offset = AT(listen_port), .low = 0, .high = 65535, .meta = "port",
   .help = "to listen on; 0: no server"},
  {.flag = "q", .type = PM_OPTION_VERBOSITY, .offset = AT(verbosity), .low = 1, .help = "quiet: summaries only"},
  {.flag = "v", .type = PM_OPTION_VERBOSITY, .offset = AT(verbosity), .step = 1,
   .help = "a tab-separated line a probe, all phases"},
  {.flag = "V", .type = PM_OPTION_VERBOSITY, .offset = AT(verbosity), .step = 2, .help = "more of it, for finding faults"},

  /* Ours: long names, each with a PINGMESH_ twin. */
  {.flag = "bind", .env = "PINGMESH_BIND", .type = PM_OPTION_TEXT, .offset = AT(bind), .meta = "address",
   .help = "listen on this address only, and probe from it"},
  {.flag = "output", .env = "PINGMESH_OUTPUT", .type = PM_OPTION_CHOICE, .offset = AT(output),
   .choices = "text|tsv|json", .meta = "text|tsv|json",
   .help = "what standard output gets: as -q and -v say, columns, or a JSON object a probe"},
  {.flag = "timeout", .env = "PINGMESH_TIMEOUT", .type = PM_OPTION_INT, .offset = AT(timeout_s), .low = 1, .high = 300,
   .fallback = 10, .meta = "seconds", .help = "a whole probe may take"},
  {.flag = "connect-timeout", .env = "PINGMESH_CONNECT_TIMEOUT", .type = PM_OPTION_INT, .offset = AT(connect_timeout_s),
   .low = 1, .high = 300, .fallback = 8, .meta = "seconds", .help = "its TCP and TLS handshakes may take"},
  {.flag = "lookup-timeout", .env = "PINGMESH_LOOKUP_TIMEOUT", .type = PM_OPTION_INT, .offset = AT(lookup_timeout_s),
   .low = 1, .high = 300, .fallback = 5, .meta = "seconds", .help = "its name lookup may take"},
  {.flag = "body-max", .env = "PINGMESH_BODY_MAX", .type = PM_OPTION_INT, .offset = AT(body_bytes_max), .low = 1024,
   .high = 1 << 30, .fallback = 8 << 20, .meta = "bytes", .help = "of an answer; a longer one is a failed probe"},
  {.flag = "in-flight", .env = "PINGMESH_IN_FLIGHT", .type = PM_OPTION_INT, .offset = AT(in_flight_max), .low = 1,
   .high = PM_ROSTER_TARGETS_MAX, .fallback = 4096, .meta = "probes", .help = "at once, at most"},
  {.flag = "given-up-retry", .env = "PINGMESH_GIVEN_UP_RETRY", .type = PM_OPTION_INT, .offset = AT(given_up_retry_s),
   .low = 0, .high = PM_TARGET_DELAY_S_MAX, .fallback = 600, .meta = "seconds",
   .help = "between tries of a peer that was given up, while a server runs; 0: never"},
  {.flag = "allow", .env = "PINGMESH_ALLOW", .type = PM_OPTION_LIST, .offset = AT(allow), .meta = "range|domain",
   .help = "let peers that others name have such an address (10.0.0.0/8, example.net)"},
  {.flag = "deny", .env = "PINGMESH_DENY", .type = PM_OPTION_LIST, .offset = AT(deny), .meta = "range|domain",
   .help = "never probe such an address"},
  {.flag = "insecure", .env = "PINGMESH_INSECURE", .type = PM_OPTION_BOOL, .offset = AT(insecure),
   .help = "do not verify certificates (for one target: https+insecure://…); shown wherever it applies"},
  {.flag = "ca", .env = "PINGMESH_CA", .type = PM_OPTION_TEXT, .offset = AT(ca), .meta = "file",
   .help = "PEM certificates to trust instead of the system's"},
  {.flag = "tls-cert", .env = "PINGMESH_TLS_CERT", .type = PM_OPTION_TEXT, .offset = AT(tls_cert), .meta = "file",
   .help = "PEM chain: serve https"},
  {.flag = "tls-key", .env = "PINGMESH_TLS_KEY", .type = PM_OPTION_TEXT, .offset = AT(tls_key), .meta = "file",
   .help = "PEM private key to it"},
  {.env = "PINGMESH_ADMIN_TOKEN", .type = PM_OPTION_TEXT, .offset = AT(admin_token), .secret = true, .meta = "token",
   .help = "who has it may add peers and stop the node from anywhere"},
  {.flag = "admin-token-file", .env = "PINGMESH_ADMIN_TOKEN_FILE", .type = PM_OPTION_TEXT,
   .offset = AT(admin_token_file), .meta = "file", .help = "the token, in a file"},

  {.flag = "grow", .env = "PINGMESH_GROW", .type = PM_OPTION_BOOL, .offset = AT(grow), .fallback = true,
   .help = "find more peers by asking those that are known (while a server runs; --grow=false: only answer)"},
  {.flag = "no-grow", .type = PM_OPTION_BOOL, .offset = AT(grow), .inverse = true, .help = "the same as --grow=false"},
  {.flag = "mesh", .env = "PINGMESH_MESH", .type = PM_OPTION_TEXT, .offset = AT(mesh), .meta = "name",
   .help = "of the mesh; nodes of another one are not admitted (default)"},
  {.flag = "mesh-key-file", .env = "PINGMESH_MESH_KEY_FILE", .type = PM_OPTION_TEXT, .offset = AT(mesh_key_file),
   .meta = "file", .help = "keys that the mesh shares, one a line, the first to sign with: only who has one is admitted"},
  {.flag = "legacy-peers", .env = "PINGMESH_LEGACY_PEERS", .type = PM_OPTION_BOOL, .offset = AT(legacy_peers),
   .help = "in a mesh with a key admit nodes of the original, which have none, all the same"},
  {.flag = "state-dir", .env = "PINGMESH_STATE_DIR", .type = PM_OPTION_TEXT, .offset = AT(state_dir), .meta = "directory",
   .help = "keep this node's identity, the mesh's members and the history there over a restart"},
  {.flag = "state-max-mb", .env = "PINGMESH_STATE_MAX_MB", .type = PM_OPTION_INT, .offset = AT(state_max_mb),
   .low = PM_STORE_MB_MIN, .high = PM_STORE_MB_MAX, .fallback = PM_STORE_MB_DEFAULT, .meta = "MB",
   .help = "that history may take there; beyond that the oldest goes first, minutes before hours"},
  {.flag = "ttl", .env = "PINGMESH_TTL", .type = PM_OPTION_INT, .offset = AT(ttl), .low = 1, .high = 255,
   .fallback = PM_GOSSIP_TTL_DEFAULT, .meta = "hops", .help = "from a seed beyond which peers are not followed"},
  {.flag = "max-peers", .env = "PINGMESH_MAX_PEERS", .type = PM_OPTION_INT, .offset = AT(max_peers),
   .low = PM_GOSSIP_MEMBERS_MIN, .high = PM_GOSSIP_MEMBERS_MAX, .fallback = PM_GOSSIP_MEMBERS_DEFAULT, .meta = "nodes",
   .help = "of the mesh that are known at most; an eighth of them, 128 at most, are probed at every interval"},

  {.flag = "pace", .env = "PINGMESH_PACE", .type = PM_OPTION_INT, .offset = AT(pace_s), .low = 0,
   .high = PM_WIRE_PACE_S_MAX, .meta = "seconds",
   .help = "ask the mesh's nodes to leave so much time at least between their pings of this one; 0: as they like"},
  {.flag = "targets-file", .env = "PINGMESH_TARGETS_FILE", .type = PM_OPTION_TEXT, .offset = AT(targets_file), .meta = "file",
   .help = "more endpoints, one a line; read again on SIGHUP"},

  {.flag = "metrics-max-series", .env = "PINGMESH_METRICS_MAX_SERIES", .type = PM_OPTION_INT,
   .offset = AT(metrics_max_series), .low = 1000, .high = PM_PROMETHEUS_SERIES_MAX,
   .fallback = PM_PROMETHEUS_SERIES_DEFAULT, .meta = "series",
   .help = "that /metrics shows at most; beyond that, targets of one location are rolled up"},

  {.flag = "token-only", .env = "PINGMESH_TOKEN_ONLY", .type = PM_OPTION_BOOL, .offset = AT(token_only),
   .help = "operators need the token on this machine, too: for a proxy here that adds no Forwarded header"},

  {.flag = "kernel-timing", .env = "PINGMESH_KERNEL_TIMING", .type = PM_OPTION_BOOL, .offset = AT(kernel_timing),
   .fallback = true, .help = "time probes by the kernel's clock (=false: as seen by this process, which its own load makes longer)"},

  {.flag = "publish", .env = "PINGMESH_PUBLISH", .type = PM_OPTION_LIST, .offset = AT(publish), .meta = "sink",
   .help = "send measurements there, too: cloudwatch, otlp, clickhouse, file, webhook, sentry"},
  {.flag = "publish-file", .env = "PINGMESH_PUBLISH_FILE", .type = PM_OPTION_TEXT, .offset = AT(publish_file), .meta = "file",
   .help = "append a JSON object a probe to it (--publish file); opened again on SIGHUP"},
  {.flag = "otlp-url", .env = "PINGMESH_OTLP_URL", .type = PM_OPTION_TEXT, .offset = AT(otlp_url), .meta = "url",
   .help = "of an OpenTelemetry receiver (--publish otlp); OTEL_EXPORTER_OTLP_* count, too"},
  {.flag = "clickhouse-url", .env = "PINGMESH_CLICKHOUSE_URL", .type = PM_OPTION_TEXT, .offset = AT(clickhouse_url),
   .meta = "url", .help = "of a ClickHouse server's HTTP port (--publish clickhouse)"},
  {.flag = "clickhouse-table", .env = "PINGMESH_CLICKHOUSE_TABLE", .type = PM_OPTION_TEXT, .offset = AT(clickhouse_table),
   .meta = "table", .help = "to insert samples into (" PM_CLICKHOUSE_TABLE_DEFAULT ")"},
  {.flag = "clickhouse-interval", .env = "PINGMESH_CLICKHOUSE_INTERVAL", .type = PM_OPTION_INT,
   .offset = AT(clickhouse_interval_s), .low = 1, .high = PM_CLICKHOUSE_INTERVAL_S_MAX,
   .fallback = PM_CLICKHOUSE_INTERVAL_S_DEFAULT, .meta = "seconds", .help = "between inserts"},
  {.env = "PINGMESH_CLICKHOUSE_USER", .type = PM_OPTION_TEXT, .offset = AT(clickhouse_user), .meta = "name",
   .help = "to insert as"},
  {.env = "PINGMESH_CLICKHOUSE_PASSWORD", .type = PM_OPTION_TEXT, .offset = AT(clickhouse_password), .secret = true,
   .meta = "password", .help = "of that user"},
  {.flag = "webhook-url", .env = "PINGMESH_WEBHOOK_URL", .type = PM_OPTION_TEXT, .offset = AT(webhook_url), .secret = true, .meta = "url",
   .help = "is told when a peer goes down or up, loses probes or is far (--publish webhook)"},
  {.env = "SENTRY_DSN", .type = PM_OPTION_TEXT, .offset = AT(sentry_dsn), .secret = true, .meta = "dsn",
   .help = "the same for Sentry (--publish sentry)"},
  {.flag = "alert-down", .env = "PINGMESH_ALERT_DOWN", .type = PM_OPTION_INT, .offset = AT(alert_down), .low = 0,
   .high = 1000, .fallback = 3, .meta = "failures", .help = "in a row make a peer down; 0: never told"},
  {.flag = "alert-loss", .env = "PINGMESH_ALERT_LOSS", .type = PM_OPTION_INT, .offset = AT(alert_loss_percent), .low = 0,
   .high = 100, .fallback = 20, .meta = "percent", .help = "of a window's probes that fail make it a bad one; 0: never told"},
  {.flag = "alert-rtt", .env = "PINGMESH_ALERT_RTT", .type = PM_OPTION_INT, .offset = AT(alert_rtt_ms), .low = 0,
   .high = 60000, .fallback = 500, .meta = "ms", .help = "of TCP round trip, above which a median makes a window a bad one; 0: never told"},
  {.flag = "alert-window", .env = "PINGMESH_ALERT_WINDOW", .type = PM_OPTION_INT, .offset = AT(alert_window_s), .low = 1,
   .high = 3600, .fallback = 60, .meta = "seconds", .help = "that a window lasts"},
  {.flag = "alert-bad", .env = "PINGMESH_ALERT_BAD", .type = PM_OPTION_INT, .offset = AT(alert_windows_bad), .low = 1,
   .high = PM_INCIDENT_WINDOWS_MAX, .fallback = 3, .meta = "windows", .help = "must be bad before anybody is told, and so many in a row well again"},
  {.flag = "alert-of", .env = "PINGMESH_ALERT_OF", .type = PM_OPTION_INT, .offset = AT(alert_windows), .low = 1,
   .high = PM_INCIDENT_WINDOWS_MAX, .fallback = 5, .meta = "windows", .help = "are looked at, the latest ones"},
  {.flag = "c", .type = PM_OPTION_BOOL, .offset = AT(cloudwatch), .help = "the same as --publish cloudwatch"},
  {.flag = "cloudwatch-legacy", .env = "PINGMESH_CLOUDWATCH_LEGACY", .type = PM_OPTION_CHOICE,
   .offset = AT(cloudwatch_legacy), .choices = "on|off", .meta = "on|off",
   .help = "send the original's metric \"TCP RTT\", too, which its dashboards look for"},
  {.flag = "cloudwatch-interval", .env = "PINGMESH_CLOUDWATCH_INTERVAL", .type = PM_OPTION_INT,
   .offset = AT(cloudwatch_interval_s), .low = 1, .high = PM_CLOUDWATCH_INTERVAL_S_MAX,
   .fallback = PM_CLOUDWATCH_INTERVAL_S_DEFAULT, .meta = "seconds",
   .help = "between requests to CloudWatch; below 60, its metrics have a resolution of a second"},
  {.flag = "cloudwatch-max-metrics", .env = "PINGMESH_CLOUDWATCH_MAX_METRICS", .type = PM_OPTION_INT,
   .offset = AT(cloudwatch_metrics_max), .low = 0, .high = 1000000, .meta = "metrics",
   .help = "that this node names in any hour, at most (13 or more): the worst paths in detail, all of them together as \"*\"; 0: no limit"},
  {.flag = "cloudwatch-forecast", .type = PM_OPTION_COUNTED_ACTION, .offset = AT(forecast_nodes), .low = 1,
   .high = PM_CLOUDWATCH_FORECAST_NODES_MAX, .step = PM_OPTIONS_FORECAST, .meta = "[nodes]",
   .help = "print what publishing to CloudWatch would cost a mesh of so many nodes a month with these options, and end"},
  {.flag = "cloudwatch-dashboard", .type = PM_OPTION_ACTION, .step = PM_OPTIONS_DASHBOARD,
   .help = "print a dashboard's body for `aws cloudwatch put-dashboard`, and end"},

  {.flag = "print-config", .type = PM_OPTION_ACTION, .step = PM_OPTIONS_PRINT_CONFIG,
   .help = "print this configuration as arguments, and end"},
  {.flag = "version", .type = PM_OPTION_ACTION, .step = PM_OPTIONS_VERSION, .help = "print the version, and end"},
  {.flag = "help", .type = PM_OPTION_ACTION, .step = PM_OPTIONS_HELP, .help = "print this, and end"},
  {.flag = "h", .type = PM_OPTION_ACTION, .step = PM_OPTIONS_HELP},
};
/* clang-format on */

const size_t pm_options_count = sizeof(pm_options_table) / sizeof(pm_options_table[0]);

_Static_assert(sizeof(pm_options_table) / sizeof(pm_options_table[0]) <=
                   sizeof(((struct pm_options *)0)->origins) / sizeof(const char *),
               "struct pm_options.origins has a place for each option");
