/* Hex and base64url (RFC 4648, without padding), for what the mesh sends as text. Pure.
 */
#ifndef PM_GOSSIP_WIRE_TEXT_H
#define PM_GOSSIP_WIRE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/node_id.h"

/* out has room for 2 * bytes + 1. Lower case. */
void pm_wire_hex(const uint8_t *data, size_t bytes, char *out);
/* False unless text is exactly 2 * bytes hex digits. */
bool pm_wire_unhex(const char *text, uint8_t *out, size_t bytes);
/* 16 hex digits, most significant first. */
void pm_wire_hex64(uint64_t value, char out[17]);
bool pm_wire_unhex64(const char *text, uint64_t *out);

void pm_wire_base64(struct pm_buf *out, const uint8_t *data, size_t bytes);
/* False unless text encodes exactly bytes. */
bool pm_wire_unbase64(const char *text, uint8_t *out, size_t bytes);

/* An identity in 22 characters of base64url; false unless text is that, or 32 hex digits. */
enum { PM_WIRE_ID_BYTES = 23 };
void pm_wire_id(const struct pm_node_id *id, char out[PM_WIRE_ID_BYTES]);
bool pm_wire_read_id(const char *text, struct pm_node_id *out);

/* A plain decimal number, and back: without sign or blank, at most high. */
void pm_wire_put_number(struct pm_buf *out, uint64_t value);
bool pm_wire_number(const char *text, uint64_t high, uint64_t *out);

/* "-12.34": a number within ±1e9 with 1 to 3 decimals, by integers alone, so that it costs little
 * and is the same on every machine. What is not finite or beyond is written as 0. */
enum { PM_WIRE_FIXED_BYTES = 24 };
void pm_wire_fixed(double value, unsigned decimals, char out[PM_WIRE_FIXED_BYTES]);

#endif
