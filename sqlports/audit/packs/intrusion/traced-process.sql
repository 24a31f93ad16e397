-- title: Process that another one traces
-- severity: medium
-- description: A process is attached to another by ptrace(2): it reads and changes its memory and what it does. Debuggers
--   do that, and so do intruders, to take passwords and keys from memory or to have their code run in another's name. It
--   is low where the tracer is a debugger that a package installed and traces processes of its own user.
-- platform: linux
-- tags: intrusion, attack.T1055.008, attack.T1003.007
-- requires: root
-- param: debuggers text 'gdb, gdbserver, strace, ltrace, lldb, lldb-server*, rr, valgrind*, perf, dlv, crashpad_handler,
--   chrome_crashpad_handler' Programs whose work it is: patterns of their file names below /usr, /bin and /snap.
-- key: process, path, tracer, tracer_path
-- message: {tracer} (pid {tracer_pid}) traces {process} (pid {pid})
-- fix: End the tracer if nobody debugs there, and change the secrets that the traced process had. Set
--   kernel.yama.ptrace_scope to 1 or more where nobody needs to attach to running processes.
-- references: https://attack.mitre.org/techniques/T1055/008/ https://man7.org/linux/man-pages/man2/ptrace.2.html
--   https://docs.kernel.org/admin-guide/LSM/Yama.html
-- false_positives: Debuggers of developers, sandboxes that work by ptrace (gVisor, User Mode Linux), programs that trace
--   themselves so that nobody else can. Only the first thread of each process is looked at.
SELECT
  CASE
    WHEN t.euid = p.euid AND t.deleted = 0
      AND (t.path LIKE '/usr/%' AND t.path NOT LIKE '/usr/local/%' OR t.path LIKE '/bin/%' OR t.path LIKE '/snap/%')
      AND listed(basename(t.path), :debuggers) THEN 'low'
    ELSE 'medium'
  END AS severity,
  p.name AS process, p.pid, p.path, (SELECT username FROM users u WHERE u.uid = p.euid) AS user, p.unit,
  p.container_id AS container, t.name AS tracer, p.tracer AS tracer_pid, t.path AS tracer_path
FROM processes p LEFT JOIN processes t ON t.pid = p.tracer
WHERE p.tracer IS NOT NULL
ORDER BY p.pid;
