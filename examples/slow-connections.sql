-- Which connections are slow, and is it the way, the other end or this end?
-- rtt far above min_rtt: a queue on the way; lost_share: segments sent again; window_limited: the other end does not read;
-- buffer_limited: the send buffer here is too small.
SELECT p.name, s.remote_address, s.remote_port, round(s.rtt, 1) AS rtt, round(s.min_rtt, 1) AS min_rtt, s.retransmitted,
  round(s.retransmitted * 1.0 / s.data_segments_out, 4) AS lost_share, s.send_queue, s.not_sent, s.delivery_rate,
  round(s.window_limited / s.busy, 2) AS window_limited, round(s.buffer_limited / s.busy, 2) AS buffer_limited, s.congestion
FROM sockets s LEFT JOIN processes p ON p.pid = s.pid
WHERE s.protocol = 'tcp' AND s.state = 'ESTABLISHED' AND (s.rtt > 100 OR s.retransmitted > 0 OR s.send_queue > 0)
ORDER BY s.rtt DESC;
