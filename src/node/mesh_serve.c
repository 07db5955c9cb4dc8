#include <string.h>

#include "node/mesh_parts.h"

/* Steps with the request; the reply is then in the update, which is still to be carried out. */
static void take_request(struct pm_mesh *mesh, const struct pm_http_request *http,
                         const struct pm_wire_request *request) {
  struct pm_gossip_event event = {.now = pm_clock_now(), .kind = PM_GOSSIP_REQUEST};
  event.request.source = http->client;
  event.request.request = request;
  pm_gossip_step(mesh->core, &event, mesh->update);
}

static bool read_request(const struct pm_http_request *http, struct pm_wire_request *out) {
  return http->query[0] != '\0' && pm_wire_request_read(http->query, out, NULL) == PM_OK &&
         out->version != 0;
}

/* Where certificates say who is of the mesh, others are answered as any program is. */
static bool may_be_peer(const struct pm_mesh *mesh, const struct pm_http_request *http) {
  return !mesh->config.options->mutual_tls || http->certified;
}

bool pm_mesh_pong(struct pm_mesh *mesh, const struct pm_http_request *http, struct pm_buf *out,
                  struct pm_buf *row) {
  struct pm_wire_request request;
  if (mesh->closing || !may_be_peer(mesh, http) || !read_request(http, &request)) return false;
  request.pull = false;
  take_request(mesh, http, &request);
  bool answered = mesh->update->has_reply && mesh->update->reply.node.version != 0;
  if (answered) pm_wire_pong_write(&mesh->update->reply.node, out);
  if (answered && mesh->update->asked_by_peer) pm_rows_answer(mesh->rows, &request, row);
  pm_mesh_carry_out(mesh);
  return answered;
}

/* The original asks plainly, under this name, and pings everything that it reads. */
static bool is_old_node(const struct pm_http_request *http) {
  static const char name[] = "pingmesh-client";
  const char *agent = pm_http_request_header(http, "user-agent");
  return agent && strncmp(agent, name, sizeof name - 1) == 0;
}

bool pm_mesh_pull(struct pm_mesh *mesh, const struct pm_http_request *http, struct pm_buf *out) {
  struct pm_wire_request request;
  if (mesh->closing || !may_be_peer(mesh, http)) return false;
  bool ours = read_request(http, &request);
  if (!ours && !is_old_node(http)) return false;
  if (ours) request.pull = true;
  take_request(mesh, http, ours ? &request : NULL);
  const struct pm_identity *identity = mesh->config.identity;
  struct pm_peers_head head = {
      .start = identity->start,
      .srv_loc = identity->location,
      .srv_host = identity->host,
      .srv_port = identity->report_port,
      .requests = (int64_t)mesh->config.requests(mesh->config.owner),
      .num_active = (int64_t)pm_prober_active(mesh->config.prober),
      .num_deleted = (int64_t)pm_roster_ended_total(pm_prober_roster(mesh->config.prober)),
  };
  if (ours && mesh->update->asked_by_peer)
    mesh->update->reply.rows = pm_rows_pass_on(mesh->rows, &request, pm_clock_now());
  if (ours)
    pm_wire_answer_write(&mesh->update->reply, &head, out);
  else
    pm_wire_answer_write_old(&mesh->update->reply, &head, NULL, NULL, out);
  pm_mesh_carry_out(mesh);
  return true;
}
