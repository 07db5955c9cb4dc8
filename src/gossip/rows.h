/* Rows of the matrix between nodes: what is asked for, answered, passed on and believed. Pure, and
 * beside the core rather than in it: the core says who is a member and whose own word an answer is,
 * and sends; what is measured comes from the caller, who sets the own row's cells.
 *
 *   a ping to a member           ask: "I have this of your row"
 *   its answer                   answer: what is later; take, if the answer is its node's own word
 *   a pull                       ask: "rows of others, too", if any is missing
 *   its answer                   pass_on: whole rows, in turn; take_relayed
 *
 * So a mesh in which everybody pings everybody hears of each row once an interval from its node,
 * and passes on nothing: rows of others are asked for only while one is missing of a member that we
 * do not ping, and taken only if they were asked for. They have a place only if they are a
 * member's: else who makes up nodes could fill the matrix with them.
 */
#ifndef PM_GOSSIP_ROWS_H
#define PM_GOSSIP_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/matrix.h"
#include "analysis/own_row.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/node_id.h"
#include "gossip/contact.h"
#include "gossip/view.h"
#include "gossip/wire_answer.h"
#include "gossip/wire_request.h"
#include "gossip/wire_row.h"

struct pm_rows;

struct pm_rows_config {
  struct pm_node_id id; /* this node's */
  uint64_t inc;
  size_t rows_max; /* of the matrix */
};

/* PM_ERR_NOMEM, PM_ERR_RANGE (rows_max). */
enum pm_err pm_rows_new(const struct pm_rows_config *config, struct pm_rows **out) PM_MUST_USE;
void pm_rows_free(struct pm_rows *rows);

/* The caller sets and removes its cells. */
struct pm_own_row *pm_rows_own(struct pm_rows *rows);
/* The own row is in it, as of the last advance and as others read it. */
const struct pm_matrix *pm_rows_matrix(const struct pm_rows *rows);
/* What all of it takes, and can come to. */
size_t pm_rows_bytes(const struct pm_rows *rows);
size_t pm_rows_bytes_max(size_t rows_max);

/* About every second. */
void pm_rows_advance(struct pm_rows *rows, struct pm_time now);

/* A member that was pinged is not any more; lost: it does not answer. */
void pm_rows_leave(struct pm_rows *rows, const struct pm_node_id *id, bool lost,
                   struct pm_time now);

/* Adds to a request of the core, to that member (NULL: to nobody known), what we want of rows. */
void pm_rows_ask(struct pm_rows *rows, const struct pm_gossip *core,
                 const struct pm_gossip_member *member, struct pm_time now,
                 struct pm_wire_request *request);

/* To who is of our mesh (pm_gossip_update.asked_by_peer). The value of the header, nothing if it
 * did not ask; the rows for pm_wire_answer.rows, NULL likewise, lent until the next call. */
void pm_rows_answer(const struct pm_rows *rows, const struct pm_wire_request *request,
                    struct pm_buf *out);
struct pm_buf *pm_rows_pass_on(struct pm_rows *rows, const struct pm_wire_request *request,
                               struct pm_time now);

/* An old node has no identity: its row is kept under one that is made of where it is reached, and
 * whose second half is zero. */
struct pm_node_id pm_rows_old_id(const struct pm_contact *contact);
bool pm_rows_is_old_id(const struct pm_node_id *id);

/* What came with an answer. from, via: whose own word it is (pm_gossip_update.proved); if nobody's,
 * nothing is taken. Texts that are no rows are passed over. */
void pm_rows_take(struct pm_rows *rows, const struct pm_node_id *from, const char *header,
                  struct pm_time now);
/* Where pm_wire_answer_read is to put the rows of an answer before. */
struct pm_buf *pm_rows_inbox(struct pm_rows *rows);
void pm_rows_take_relayed(struct pm_rows *rows, const struct pm_gossip *core,
                          const struct pm_node_id *via, struct pm_time now);
/* An old node's list, read with figures (pm_wire_answer.old), as its row: members that have proved
 * an identity, and ourselves. It counts means alone, since its beginning: they stand for all
 * quantiles. teller: pm_gossip_update.old_word; 0: nothing is taken. */
void pm_rows_take_old(struct pm_rows *rows, const struct pm_gossip *core, uint64_t teller,
                      const struct pm_wire_answer *answer, struct pm_time now);

#endif
