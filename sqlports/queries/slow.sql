-- title: Which connections are slow or lose packets, and by which end?
-- description: rtt far above min_rtt: a queue on the way. lost_share: segments that were sent again. window_limited:
--   the share of the time that the other end did not read; buffer_limited: that the send buffer here was too small.
-- param: rtt real 100 Only with a round-trip time above this, in milliseconds, or with something sent again or not yet sent.
-- tags: connections, trouble
SELECT p.name AS process, s.pid, s.remote_address, s.remote_port, round(s.rtt, 1) AS rtt, round(s.min_rtt, 1) AS min_rtt,
  s.retransmitted, round(s.retransmitted * 1.0 / s.data_segments_out, 4) AS lost_share, s.send_queue, s.not_sent,
  s.delivery_rate, round(s.window_limited / s.busy, 2) AS window_limited, round(s.buffer_limited / s.busy, 2) AS buffer_limited,
  s.congestion
FROM sockets s LEFT JOIN processes p ON p.pid = s.pid
WHERE s.protocol = 'tcp' AND s.state = 'ESTABLISHED' AND (s.rtt > :rtt OR s.retransmitted > 0 OR s.send_queue > 0)
ORDER BY s.send_queue DESC, s.retransmitted DESC, s.rtt DESC, s.pid, s.remote_address, s.remote_port;
