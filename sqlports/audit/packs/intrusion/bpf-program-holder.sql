-- title: Unusual program that has put code into the kernel
-- severity: medium
-- description: A program that no package installed, or an interpreter, holds a BPF program or its attachment: code that
--   runs inside of the kernel, sees packets and system calls, and can hide things from others. Rootkits of today work so
--   (BPFDoor, ebpfkit, TripleCross). It is low in a container, where agents that watch networks and containers run.
--   Programs that are pinned in /sys/fs/bpf or attached for good have no holder and are not seen here.
-- platform: linux
-- tags: intrusion, attack.T1014, attack.T1205.002
-- requires: root
-- param: packaged text '/usr/bin, /usr/sbin, /usr/lib, /usr/lib32, /usr/lib64, /usr/libexec, /bin, /sbin, /lib, /lib32,
--   /lib64, /snap, /nix/store, /gnu/store' Directories in which packages put programs.
-- param: interpreters text 'python*, perl*, ruby*, php*, lua*, node, nodejs, bun, deno, tclsh*, java' Programs that count
--   as what they run, and not as a package's: patterns of their file names.
-- key: path, process
-- message: {process} (pid {pid}) holds {programs} BPF programs and {links} attachments in the kernel
-- fix: Look at them (bpftool prog show, bpftool link show) and find out what the program is. Set
--   kernel.unprivileged_bpf_disabled.
-- references: https://attack.mitre.org/techniques/T1205/002/ https://man7.org/linux/man-pages/man2/bpf.2.html
-- false_positives: Agents of monitoring and security that are installed in /opt, and tools that are scripts (BCC,
--   bpftrace's).
SELECT CASE WHEN p.container_id IS NOT NULL THEN 'low' ELSE 'medium' END AS severity,
  p.name AS process, h.pid, p.path, sum(h.type = 'bpf-prog') AS programs, sum(h.type = 'bpf-link') AS links,
  (SELECT username FROM users u WHERE u.uid = p.euid) AS user, p.unit, p.container_id AS container
FROM handles h JOIN processes p ON p.pid = h.pid
WHERE h.type IN ('bpf-prog', 'bpf-link')
  AND (p.deleted IS NOT 1 AND below(p.path, :packaged) AND NOT listed(basename(p.path), :interpreters)) IS NOT 1
GROUP BY h.pid
ORDER BY p.path, h.pid;
