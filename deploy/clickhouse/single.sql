-- Samples of pingmesh on one ClickHouse server, 18.16 or later:
--   clickhouse-client --multiquery < single.sql
--   pingmesh --clickhouse-url http://server:8123 ...
--
-- A request whose answer got lost is sent again, so a row may arrive twice; (node, seq) names a sample,
-- and the engine keeps one row of each when it merges. pingmesh.probes shows each once at any time.

CREATE DATABASE IF NOT EXISTS pingmesh;

CREATE TABLE IF NOT EXISTS pingmesh.samples (
  node UInt64,                -- of the process that measured; random
  seq UInt64,                 -- of the sample within it, from 1
  at DateTime,                -- when the probe started; at_ns is the same in nanoseconds
  at_ns UInt64,
  from_location String,
  to_location String,
  target String,              -- the URL
  remote String,              -- the address; empty if no connection was tried
  outcome String,             -- success, status, lookup, policy, connect, tls, timeout, closed, protocol, too-large, internal
  status UInt16,              -- of HTTP; 0 if there was none
  bytes UInt64,
  dns_ns UInt64,              -- phases; 0 if one did not happen. Total leaves out dns
  tcp_ns UInt64,
  tls_ns UInt64,
  first_ns UInt64,
  last_ns UInt64,
  total_ns UInt64,
  tcp_by_kernel UInt8,        -- 1: timed by the kernel, which holds under any load of the node
  first_by_kernel UInt8,
  verdict String,             -- clean, retransmitted, starved
  loop_lag_ns UInt64,
  run_delay_ns UInt64,
  libcurl_tcp_ns UInt64,
  tls_wait_ns UInt64,
  connection_known UInt8,     -- whether the kernel told the next five
  syns_sent UInt32,
  syn_answered UInt8,
  segments_sent UInt32,
  segments_resent UInt32,
  min_rtt_ns UInt64,
  far_end_known UInt8,        -- whether the far end said what it spent of first_ns
  far_end_ns UInt64,
  tls UInt8,
  tls_verified UInt8,
  failures_in_a_row UInt32    -- of the target, this one included
) ENGINE = ReplacingMergeTree()
PARTITION BY toYYYYMM(at)
ORDER BY (from_location, to_location, at, node, seq);

CREATE VIEW IF NOT EXISTS pingmesh.probes AS SELECT * FROM pingmesh.samples FINAL;

-- A month is a partition: ALTER TABLE pingmesh.samples DROP PARTITION 202601; takes the oldest away.
-- Servers since 19.6 can do it by themselves:
--   ALTER TABLE pingmesh.samples MODIFY TTL at + INTERVAL 400 DAY;
