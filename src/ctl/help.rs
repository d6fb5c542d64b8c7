//! What `--help` teaches beyond the list of options.

/// What the program is for.
pub(super) const ABOUT: &str = "Shows who holds and who waits, gets it moving again, and holds slots for scripts that distributex cannot run";

/// Examples, and what the exit statuses mean.
pub(super) const AFTER: &str = r#"EXAMPLES:
    What is going on?
        distributexctl status
        distributexctl -H locks1,locks2 status deploy
    Why does web9 wait?
        distributexctl why deploy
    It is 3 am and nothing moves. Who holds it, since when, and how did it go before?
        distributexctl why deploy
        distributexctl history deploy
        distributexctl status deploy --watch
    Somebody else needs the slot now: ask the holder to stop, and give it a minute.
        distributexctl revoke deploy --host web7 --within 60 --reason 'hotfix first'
    The holder is dead for sure; if it is not, look there first: its command may go on for a while.
        distributexctl force-release deploy --host web7 --reason 'web7 lost its power'
    Something is broken, and no new run is to begin until it is mended:
        distributexctl pause deploy --reason 'database is read-only'
        distributexctl resume deploy
    Somebody in the line has to be the next, or should not be there at all (status deploy shows the tickets):
        distributexctl front deploy 1204 --reason 'hotfix'
        distributexctl remove deploy 1199 --reason 'web12 was scrapped'
    Tell a chat, a log or a program what happens:
        distributexctl events deploy backup --json
    From another machine, with a key that the server knows by its admin_keys:
        distributexctl -H locks.acme.com --key-file ~/.distributex.key pause deploy --reason 'kernel update'
    A script that cannot be run by distributex; with a --ttl the slot is free again soon if the script dies,
    but then the script has to renew it before that:
        lease=$(distributexctl acquire deploy -w 600 --ttl 120) || exit
        ...
        printf '%s\n' "$lease" | distributexctl renew deploy -
        ...
        printf '%s\n' "$lease" | distributexctl release deploy -
    A systemd service that runs on one host at a time (its pool has expire: 0, or longer than any run):
        [Service]
        ExecStartPre=/usr/bin/distributexctl -H locks acquire report -n --lease-file=/run/report.lease
        ExecStart=/usr/local/bin/report
        ExecStopPost=/usr/bin/distributexctl release --lease-file=/run/report.lease
    Where distributex can run the command, it is better: it renews the slot, and stops the command if the
    slot is lost. Nothing does that here.

ENVIRONMENT:
    DISTRIBUTEX_SERVER and DISTRIBUTEX_PORT are as -H and -p, DISTRIBUTEX_SOCKET is as --socket (and wins over
    these two), DISTRIBUTEX_HOST is as --host of acquire; the command line wins. A lease file says itself
    which server it is for; only -H, -p and --socket win over that.

    DISTRIBUTEX_KEY_FILE is as --key-file; or DISTRIBUTEX_KEY is the key itself, which every process of the
    same user can read there. A key is never an argument: everybody on this host can see a command line.

    force-release, revoke, pause, resume, front, remove and reload ask /run/distributexd/admin.sock if it is
    there and nothing says which server to ask.

    NO_COLOR, if it is not empty, leaves the colours out; so does a TERM that is dumb or not set, and there
    status --watch adds lines instead of drawing over them.

EXIT STATUS:
      0  done. A release of what is not held any more is done, too, and says so
     64  wrong usage
     69  no server can be reached (an acquire without -n and -w keeps trying; events and status --watch do
         when one was there before), or only one that has another store than the lease, or is too old to
         know leases
     71  the system refused something: the lease file, the key file, the standard output
     75  no slot: all are held with -n, or -w ran out; or the lease in --lease-file is still held
     77  refused: the server has no such pool, or this host may not use it; a key is missing or wrong; the
         server keeps no history, or tells no events
     78  the server's configuration file is bad; it goes on as before (reload)
     79  the lease is lost: it was released, or it is over (renew); or nobody has that token or that ticket
         any more (force-release, revoke, front, remove)
  128+n  signal n ended the waiting, and the place in line was given up; or it ended status --watch or events
"#;

/// What an acquire leaves to the script.
pub(super) const ACQUIRE: &str = r#"Nothing renews the lease by itself: without --ttl it is over when the pool's expire is, and with --ttl that
much earlier; renew makes it live longer. The id that is printed is a secret: who has it can release the slot.

A lease file holds the lease as JSON, with the server that renew and release have to ask. If the file is there
already, and the lease in it is still held, nothing is asked for and the status is 75.
"#;

/// What comes of events.
pub(super) const EVENTS: &str = r#"When the connection ends it is made again, and goes on where it was (-v says so). If the server does not know
any more what happened meanwhile it says that something is left out.

With --json every line is what the server tells of an event, with its name as "event" and its "id".
"#;

/// What comes of a forced release.
pub(super) const FORCE: &str = r#"The old holder is not asked, and may not notice at once: what it does may go on until its lease would have
been over (you are told how long that is). Then two do what only one should, so look there first.
"#;
/// What comes of a revoke.
pub(super) const REVOKE: &str = r#"Its wrapper learns of it at its next renewal, stops the command (TERM, later KILL) and releases the slot: nobody gets
it before. The lease never ends earlier than its holder was told before, however short --within is. A second revoke can
shorten the time, not lengthen it. Who does not renew (the classic protocol, curl, a lease without a --ttl in a
pool with expire: 0) is not notified and keeps the slot until it is released or expires.

For a holder that is dead for sure there is force-release.
"#;
/// How to write a revoke.
pub(super) const REVOKE_USAGE: &str = "distributexctl revoke [OPTIONS] POOL TOKEN --reason TEXT\n    \
     distributexctl revoke [OPTIONS] POOL --host HOST --reason TEXT";

/// How to write a forced release.
pub(super) const FORCE_USAGE: &str = "distributexctl force-release [OPTIONS] POOL TOKEN --reason TEXT\n    \
     distributexctl force-release [OPTIONS] POOL --host HOST --reason TEXT";

/// How to write a renew.
pub(super) const RENEW: &str =
    "distributexctl renew [OPTIONS] POOL LEASE\n    distributexctl renew [OPTIONS] --lease-file FILE";
/// How to write a release.
pub(super) const RELEASE: &str =
    "distributexctl release [OPTIONS] POOL LEASE\n    distributexctl release [OPTIONS] --lease-file FILE";

/// How a lease is named.
pub(super) const LEASE: &str = r#"The id is a secret, and everybody on this host can see a command line. Use a lease file, or write - and send the
id to the standard input:
    printf '%s\n' "$lease" | distributexctl release deploy -
A release removes its lease file. If there is no file, there is nothing to release, and that is all right: the
ExecStopPost of a service runs after a failed start, too.
"#;

/// Where completions go.
pub(super) const COMPLETIONS: &str = r#"Put it where the shell looks for it:
    distributexctl completions bash > /etc/bash_completion.d/distributex
    distributexctl completions zsh > /usr/local/share/zsh/site-functions/_distributex
    distributexctl completions fish > ~/.config/fish/conf.d/distributex.fish
These three ask distributexctl for every word, and that asks the server for the names of pools, for tokens and for
tickets: the server that the line names, or else the environment. Without an answer within a second there are none.
"#;

/// Where manual pages go.
pub(super) const MAN: &str = r#"To read it, or to put it where man looks for it:
    distributexctl man | man -l -
    distributexctl man distributex > /usr/local/share/man/man1/distributex.1
    distributexctl man distributexd > /usr/local/share/man/man8/distributexd.8
"#;
