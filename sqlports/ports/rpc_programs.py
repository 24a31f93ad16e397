"""The names of RPC programs: those of rpc(5), and the best known ones for a machine without that file."""

from __future__ import annotations

# Numbers that Sun gave out and IANA keeps (RFC 5531, section 8.3), under the names by which rpcinfo(8) shows them.
WELL_KNOWN = {
    100000: "portmapper",
    100001: "rstatd",
    100002: "rusersd",
    100003: "nfs",
    100004: "ypserv",
    100005: "mountd",
    100007: "ypbind",
    100008: "walld",
    100009: "yppasswdd",
    100011: "rquotad",
    100012: "sprayd",
    100017: "rexd",
    100020: "llockmgr",
    100021: "nlockmgr",
    100024: "status",
    100026: "bootparam",
    100028: "ypupdated",
    100029: "keyserv",
    100069: "ypxfrd",
    100227: "nfs_acl",
    150001: "pcnfsd",
    391002: "sgi_fam",
}


def parse(text: str) -> list[tuple[int, str]]:
    """The programs of an rpc(5) file with their names, in its order; lines that are none are passed over."""
    found = []
    for line in text.splitlines():
        fields = line.partition("#")[0].split()
        if len(fields) > 1 and fields[1].isascii() and fields[1].isdigit() and len(fields[1]) < 11:
            found.append((int(fields[1]), fields[0]))
    return found
