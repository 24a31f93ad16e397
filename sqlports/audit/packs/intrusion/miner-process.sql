-- title: Program that mines cryptocurrency
-- severity: high
-- description: A process has the name of a known miner, or arguments by which miners are told their pool
--   (stratum+tcp://…). Intruders install miners more often than anything else: they cost power and money, and where one
--   got in, others can.
-- platform: linux
-- tags: intrusion, attack.T1496.001
-- requires: root
-- param: programs text 'xmrig*, xmr-stak*, minerd, cpuminer*, ccminer*, ethminer*, nbminer*, lolminer, lolMiner*, t-rex,
--   teamredminer, gminer, phoenixminer, PhoenixMiner, nanominer, srbminer*, SRBMiner*, bfgminer, cgminer, kinsing*,
--   kdevtmpfsi*, bminer, wildrig*, rigel, onezerominer' Miners: patterns of the file names of programs, and of names that
--   processes give themselves.
-- key: process, path, user
-- message: {process} (pid {pid}, user {user}) mines: {evidence}
-- fix: End it, find out who started it and how it came in, and close that. It is often started again by cron, systemd or
--   a container.
-- references: https://attack.mitre.org/techniques/T1496/001/
-- false_positives: A machine that is meant to mine. An editor or a search that was given such an argument.
WITH judged AS (
  SELECT *,
    CASE
      WHEN listed(name, :programs) OR listed(basename(path), :programs) THEN 'its name is that of a miner'
      WHEN EXISTS (
        SELECT 1 FROM json_each(argv)
        WHERE listed(value, 'stratum[12+]*://*, stratum://*, -*=stratum*://*, --donate-level*')
      ) THEN 'its arguments are those of a miner'
    END AS evidence
  FROM processes
)
SELECT name AS process, pid, path, evidence, (SELECT username FROM users u WHERE u.uid = judged.euid) AS user, unit,
  container_id AS container
FROM judged
WHERE evidence IS NOT NULL
ORDER BY pid;
