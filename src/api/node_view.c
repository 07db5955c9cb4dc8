#include "api/node_view.h"

#include <inttypes.h>

#include "api/html.h"
#include "api/service.h"
#include "base/json_write.h"

enum { BYTES_PER_KIB = 1024, BYTES_PER_MIB = 1024 * 1024 };

static void time_row(struct pm_buf *out, const char *name, struct pm_wall t) {
  char text[PM_TIME_TEXT_BYTES];
  pm_wall_rfc3339(t, false, text);
  pm_html_row(out, name, "%s", text);
}

static void uptime_row(struct pm_buf *out, struct pm_wall start, struct pm_wall now) {
  char text[PM_TIME_TEXT_BYTES];
  pm_duration_text((now.ns - start.ns) / PM_NS_PER_S, text);
  pm_html_row(out, "Up for", "%s", text);
}

static void metrics_members(struct pm_json_writer *w, const struct pm_metrics_view *view) {
  const struct pm_memory *memory = &view->memory;
  pm_json_put_wall(w, "AppStart", view->app_start, false);
  pm_json_put_uint(w, "NumPeers", view->peers);
  pm_json_put_uint(w, "NumActive", view->active);
  pm_json_put_uint(w, "NumDeleted", view->deleted);
  pm_json_object_begin(w, "MemStats");
  pm_json_put_wall(w, "Measured", memory->measured, true);
  pm_json_put_uint(w, "Active", memory->heap_bytes / BYTES_PER_KIB);
  pm_json_put_uint(w, "AllocMB", memory->heap_bytes / BYTES_PER_MIB);
  pm_json_put_uint(w, "SystemMB", memory->resident_bytes / BYTES_PER_MIB);
  pm_json_put_uint(w, "NumGC", 0);
  pm_json_object_end(w);
}

void pm_metrics_view_json(const struct pm_metrics_view *view, struct pm_buf *out) {
  struct pm_json_writer w;
  pm_json_writer_init(&w, out, true);
  pm_json_object_begin(&w, NULL);
  metrics_members(&w, view);
  pm_json_object_end(&w);
  pm_buf_char(out, '\n');
}

static void metrics_table(struct pm_buf *out, const struct pm_metrics_view *view) {
  pm_html_table_begin(out, "State and memory");
  time_row(out, "Started", view->app_start);
  uptime_row(out, view->app_start, view->memory.measured);
  pm_html_row(out, "Peers being probed", "%" PRIu64, view->active);
  pm_html_row(out, "Peers ended or given up", "%" PRIu64, view->deleted);
  pm_html_row(out, "Memory in live allocations", "%" PRIu64 " KiB",
              view->memory.heap_bytes / BYTES_PER_KIB);
  pm_html_row(out, "Memory resident", "%" PRIu64 " KiB",
              view->memory.resident_bytes / BYTES_PER_KIB);
  pm_html_table_end(out);
}

void pm_metrics_view_html(const struct pm_metrics_view *view, struct pm_buf *out) {
  pm_html_begin(out, "Metrics");
  metrics_table(out, view);
  pm_html_end(out);
}

void pm_env_view_json(const struct pm_env_view *view, struct pm_buf *out) {
  struct pm_json_writer w;
  pm_json_writer_init(&w, out, true);
  pm_json_object_begin(&w, NULL);
  pm_json_put_string(&w, "Version", PM_VERSION);
  pm_json_put_string(&w, "SrvLoc", view->location);
  pm_json_put_string(&w, "SrvHost", view->host);
  pm_json_put_uint(&w, "SrvPort", view->port);
  pm_json_put_uint(&w, "Requests", view->requests);
  pm_json_put_bool(&w, "Ready", view->ready);
  metrics_members(&w, &view->metrics);
  pm_json_array_begin(&w, "Settings");
  for (size_t i = 0; i < view->settings_count; i++) {
    pm_json_object_begin(&w, NULL);
    pm_json_put_string(&w, "Name", view->settings[i].name);
    pm_json_put_string(&w, "Value", view->settings[i].value);
    pm_json_put_string(&w, "Origin", view->settings[i].origin);
    pm_json_object_end(&w);
  }
  pm_json_array_end(&w);
  pm_json_object_end(&w);
  pm_buf_char(out, '\n');
}

static void settings_table(struct pm_buf *out, const struct pm_env_view *view) {
  pm_html_table_begin(out, "Settings");
  pm_buf_text(out, "<tr><th scope=\"col\">Name</th><th scope=\"col\">Value</th>"
                   "<th scope=\"col\">From</th></tr>\n");
  for (size_t i = 0; i < view->settings_count; i++) {
    pm_buf_text(out, "<tr>");
    pm_html_element(out, "th scope=\"row\"", "%s", view->settings[i].name);
    pm_html_element(out, "td class=\"long\"", "%s", view->settings[i].value);
    pm_html_element(out, "td", "%s", view->settings[i].origin);
    pm_buf_text(out, "</tr>\n");
  }
  pm_html_table_end(out);
}

void pm_env_view_html(const struct pm_env_view *view, struct pm_buf *out) {
  pm_html_begin(out, "Settings and state");
  pm_html_table_begin(out, "This node");
  pm_html_row(out, "Version", "%s", PM_VERSION);
  pm_html_row(out, "Location", "%s", view->location);
  pm_html_row(out, "Host name", "%s", view->host);
  pm_html_row(out, "Port", "%u", view->port);
  pm_html_row(out, "Requests answered", "%" PRIu64, view->requests);
  pm_html_row(out, "Ready", "%s", view->ready ? "yes" : "no");
  pm_html_table_end(out);
  metrics_table(out, &view->metrics);
  settings_table(out, view);
  pm_html_end(out);
}

static const char *who(const struct pm_route *route) {
  return route->role == PM_ROLE_OPERATOR ? " (operators)" : "";
}

void pm_index_view_json(const struct pm_index_view *view, struct pm_buf *out) {
  struct pm_json_writer w;
  char methods[PM_ROUTE_METHODS_BYTES];
  pm_json_writer_init(&w, out, true);
  pm_json_array_begin(&w, NULL);
  for (size_t i = 0; i < view->routes_count; i++) {
    const struct pm_route *route = &view->routes[i];
    if (route->summary == NULL) continue;
    pm_route_methods_text(route->methods, methods);
    pm_json_object_begin(&w, NULL);
    pm_json_put_string(&w, "Path", route->path);
    pm_json_put_string(&w, "Methods", methods);
    pm_json_put_bool(&w, "Operator", route->role == PM_ROLE_OPERATOR);
    pm_json_put_string(&w, "Summary", route->summary);
    pm_json_object_end(&w);
  }
  pm_json_array_end(&w);
  pm_buf_char(out, '\n');
}

static void link_row(struct pm_buf *out, const char *path, const char *summary, const char *users) {
  pm_buf_text(out, "<tr><th scope=\"row\">");
  pm_buf_printf(out, "<a href=\"%s\">%s</a></th>", path, path);
  pm_html_element(out, "td", "%s%s", summary, users);
  pm_buf_text(out, "</tr>\n");
}

void pm_index_view_html(const struct pm_index_view *view, struct pm_buf *out) {
  pm_html_begin(out, view->location);
  pm_html_table_begin(out, "This node");
  time_row(out, "Started", view->start);
  uptime_row(out, view->start, view->now);
  pm_html_row(out, "Peers being probed", "%" PRIu64, view->active);
  pm_html_row(out, "Peers ended or given up", "%" PRIu64, view->deleted);
  pm_html_row(out, "Ready", "%s", view->ready ? "yes" : "no");
  pm_html_table_end(out);
  pm_html_table_begin(out, "What it answers");
  link_row(out, "/v1/peers?format=html", "The peers as a table", "");
  for (size_t i = 0; i < view->routes_count; i++) {
    const struct pm_route *route = &view->routes[i];
    if (route->summary == NULL) continue;
    link_row(out, route->path, route->summary, who(route));
  }
  pm_html_table_end(out);
  pm_html_end(out);
}
