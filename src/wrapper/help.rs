//! Texts of `--help` beyond the list of options: the command, examples, environment, exit statuses.

/// Purpose of the program.
pub(super) const ABOUT: &str = "Run a command only while this host holds a slot of a pool";

/// The command, examples, environment variables and exit statuses.
pub(super) const AFTER: &str = r#"COMMAND:
    A single argument is run by the shell: 'cd /srv && ./deploy'. Several, or one after --, are run directly.
    Options of distributex come before it; all arguments after the first word belong to the command.
    The command runs in its own process group. INT TERM HUP QUIT USR1 USR2 WINCH are forwarded to it. Its environment
    has DX_POOL, DX_HOST, DX_TOKEN (rises with every grant, so that a protected resource can refuse an older run;
    empty if the server has no tokens), DX_SERVER and DX_WAITED (seconds). The slot is released when the whole group
    has ended. If the lease cannot be renewed, the group is stopped before it expires, also when distributex itself
    was killed or stopped. If the lease is lost or revoked, the group is stopped at once: with TERM, then KILL.

EXAMPLES:
    One Puppet run at a time in the whole fleet, and no overlapping runs on this host (crontab):
        */5 * * * * /usr/bin/distributex -l -w 240 -H locks -r pool1 '/usr/bin/puppet agent --onetime --no-daemonize'
    Deploy now or not at all:
        distributex -n -H locks.acme.com -r deploy ./deploy.sh web1
    Wait for up to ten minutes:
        distributex -w 10m -H locks.acme.com:9889 -r backup -- rsync -a /srv/ backup:/srv/

DURATIONS:
    A DURATION is a number of seconds, fractions allowed, or a number with a unit: 500ms, 90s, 10m, 26h, 1d.

ENVIRONMENT:
    Every option can also be set here; the command line takes precedence. Options without a value take 1, true or
    yes, and 0, false or no.
        DISTRIBUTEX_SERVER     DISTRIBUTEX_RESOURCE       DISTRIBUTEX_PORT                DISTRIBUTEX_HOST
        DISTRIBUTEX_NONBLOCK   DISTRIBUTEX_WAIT           DISTRIBUTEX_CONFLICT_EXIT_CODE  DISTRIBUTEX_TTL
        DISTRIBUTEX_LOCK       DISTRIBUTEX_LOCK_FILE      DISTRIBUTEX_NO_WAIT_GROUP       DISTRIBUTEX_VERBOSE
        DISTRIBUTEX_COMMAND_NOTE  DISTRIBUTEX_STATUS_FILE    DISTRIBUTEX_KILL_AFTER       DISTRIBUTEX_MAX_RUN
        DISTRIBUTEX_ON_LOST

EXIT STATUS:
    the command's own, or 128+n if signal n ended it (or ended the waiting)
     64  wrong usage
     69  the server is unreachable, with -n or when -w ran out (else distributex keeps trying);
         or the servers given with -H do not share a store
     71  the system refused something: the lock file, a descriptor, a process
     75  no slot: all are held with -n, or -w ran out, or the local lock is held (-E changes this status)
     77  refused: unknown pool, host not allowed, or leases of the pool are too short
     79  the lease was lost or revoked, and the command was stopped (see --on-lost)
    124  --max-run was exceeded, and the command was stopped
    126  the command cannot be executed
    127  the command was not found
"#;
