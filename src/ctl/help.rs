//! Texts of `--help` beyond the list of options: examples, environment, exit statuses.

/// Purpose of the program.
pub(super) const ABOUT: &str = "Inspect and administer pools; acquire, renew and release slots from scripts";

/// Examples, environment variables and exit statuses.
pub(super) const AFTER: &str = r#"EXAMPLES:
    Show all pools:
        distributexctl status
        distributexctl -H locks1,locks2 status deploy
    Why does web9 wait?
        distributexctl why deploy
    It is 3 am and nothing moves. Find out who holds the slot, since when, and how earlier runs ended:
        distributexctl why deploy
        distributexctl history deploy
        distributexctl status deploy --watch
    Somebody else needs the slot now. Ask the holder to stop within a minute:
        distributexctl revoke deploy --host web7 --within 60 --reason 'hotfix first'
    The holder is certainly dead. (If it is not, its command may keep running for a while: check the host first.)
        distributexctl force-release deploy --host web7 --reason 'web7 crashed'
    Something is broken, and no new run should start until it is repaired:
        distributexctl pause deploy --reason 'database is read-only'
        distributexctl resume deploy
    Reorder the queue, or remove a waiter from it (status deploy lists the tickets):
        distributexctl promote deploy 1204 --reason 'hotfix'
        distributexctl evict deploy 1199 --reason 'web12 was scrapped'
    Feed events to a chat, a log or a program:
        distributexctl events deploy backup --json
    From another machine, with a key whose hash is in the server's admin_keys:
        distributexctl -H locks.acme.com --key-file ~/.distributex.key pause deploy --reason 'kernel update'
    In a script that distributex cannot run. With --ttl the slot is freed soon if the script dies,
    but the script must renew the lease before that:
        lease=$(distributexctl acquire deploy -w 600 --ttl 120) || exit
        ...
        printf '%s\n' "$lease" | distributexctl renew deploy -
        ...
        printf '%s\n' "$lease" | distributexctl release deploy -
    For a systemd service that runs on one host at a time (its pool has expire: 0, or longer than any run):
        [Service]
        ExecStartPre=/usr/bin/distributexctl -H locks acquire report -n --lease-file=/run/report.lease
        ExecStart=/usr/local/bin/report
        ExecStopPost=/usr/bin/distributexctl release --lease-file=/run/report.lease
    Where distributex can run the command, prefer it: it renews the lease, and stops the command if the
    lease is lost. Nothing does that here.

DURATIONS:
    A DURATION is a number of seconds, fractions allowed, or a number with a unit: 500ms, 90s, 10m, 26h, 1d.

ENVIRONMENT:
    DISTRIBUTEX_SERVER and DISTRIBUTEX_PORT set -H and -p, DISTRIBUTEX_SOCKET sets --socket (and takes
    precedence over these two), DISTRIBUTEX_HOST sets --host of acquire. The command line takes precedence.
    A lease file names its server itself; only -H, -p and --socket override that.

    DISTRIBUTEX_KEY_FILE sets --key-file. DISTRIBUTEX_KEY contains the key itself, readable by every process
    of the same user. A key is never an argument: every user of this host can read command lines.

    force-release, revoke, pause, resume, promote, evict and reload use /run/distributexd/admin.sock if it
    exists and no server is given.

    A non-empty NO_COLOR disables colors, and so does a TERM that is unset or dumb, with which
    status --watch appends lines instead of redrawing.

EXIT STATUS:
      0  success; also a release of a slot that is no longer held
     64  wrong usage
     69  no server can be reached (acquire without -n and -w keeps trying; events and status --watch keep
         trying once they were connected), or the server has another store than the lease, or it knows only
         the classic protocol
     71  the system refused something: the lease file, the key file, standard output
     75  no slot: all are held with -n, or -w ran out; or the lease in --lease-file is still held
     77  refused: unknown pool, host not allowed, key missing or unknown; history or events are disabled
     78  the server's configuration file is invalid; the server continues with the previous one (reload)
     79  the lease was lost: released or expired (renew); or no lease has that token, no waiter that ticket
         (force-release, revoke, promote, evict)
  128+n  signal n ended the waiting, and the queue entry was given up; or it ended status --watch or events
"#;

/// Responsibility of scripts that acquire.
pub(super) const ACQUIRE: &str = r#"The lease is not renewed automatically: it expires after --ttl, or after the pool's expire; renew extends it.
The printed id is a secret: it allows releasing the slot.

A lease file contains the lease as JSON, with the server to use for renew and release. If the file exists
and its lease is still held, acquire does nothing and exits with 75.
"#;

/// Behavior of the event stream.
pub(super) const EVENTS: &str = r#"A lost connection is established again, and the events continue where they stopped (-v reports it). If the server
no longer has some of them, a line says that events are missing.

With --json each line is the data of one event, with its name as "event" and its "id".
"#;

/// Danger of a forced release.
pub(super) const FORCE_RELEASE: &str = r#"The holder is not asked and may not notice at once: its command may keep running until its lease would have
expired (that time is printed). Until then two hosts may do what only one should, so check the host first.
"#;

/// Course of a revoke.
pub(super) const REVOKE: &str = r#"The holder's wrapper learns of it at its next renewal, stops the command (TERM, later KILL) and releases the slot;
nobody gets the slot before. The lease never ends earlier than its holder was promised, however short --within is. A
second revoke can shorten the time, not extend it. A holder that does not renew (classic protocol, curl, a lease
without --ttl in a pool with expire: 0) is not notified and keeps the slot until it releases it or the lease expires.

For a holder that is certainly dead there is force-release.
"#;

/// Usage line of revoke.
pub(super) const REVOKE_USAGE: &str = "distributexctl revoke [OPTIONS] POOL TOKEN --reason TEXT\n    \
     distributexctl revoke [OPTIONS] POOL --host HOST --reason TEXT";

/// Usage line of force-release.
pub(super) const FORCE_RELEASE_USAGE: &str = "distributexctl force-release [OPTIONS] POOL TOKEN --reason TEXT\n    \
     distributexctl force-release [OPTIONS] POOL --host HOST --reason TEXT";

/// Usage line of renew.
pub(super) const RENEW_USAGE: &str =
    "distributexctl renew [OPTIONS] POOL LEASE\n    distributexctl renew [OPTIONS] --lease-file FILE";
/// Usage line of release.
pub(super) const RELEASE_USAGE: &str =
    "distributexctl release [OPTIONS] POOL LEASE\n    distributexctl release [OPTIONS] --lease-file FILE";

/// Safe ways to pass a lease id.
pub(super) const LEASE: &str = r#"The id is a secret, and every user of this host can read command lines. Use a lease file, or write - and send the
id to standard input:
    printf '%s\n' "$lease" | distributexctl release deploy -
A release deletes its lease file. Without that file there is nothing to release, which is not an error: the
ExecStopPost of a service also runs after a failed start.
"#;

/// Installation of completions.
pub(super) const COMPLETIONS: &str = r#"Install the script where the shell looks for it:
    distributexctl completions bash > /etc/bash_completion.d/distributex
    distributexctl completions zsh > /usr/local/share/zsh/site-functions/_distributex
    distributexctl completions fish > ~/.config/fish/conf.d/distributex.fish
The scripts call distributexctl, which asks the server for the names of pools, for tokens and for tickets: the
server of the command line or of the environment. Without an answer within a second nothing is suggested.
"#;

/// Installation of manual pages.
pub(super) const MAN: &str = r#"Read it, or install it where man looks for it:
    distributexctl man | man -l -
    distributexctl man distributex > /usr/local/share/man/man1/distributex.1
    distributexctl man distributexd > /usr/local/share/man/man8/distributexd.8
"#;
