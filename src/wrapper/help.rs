//! What `--help` teaches beyond the list of options.

/// What the program is for.
pub(super) const ABOUT: &str = "Runs a command only while this host holds a slot of a pool";

/// Examples, and what the exit statuses mean.
pub(super) const AFTER: &str = r#"COMMAND:
    One argument is run by the shell: 'cd /srv && ./deploy'. Several, or one after --, are run as they are.
    Options of distributex stand before it; everything behind its first word belongs to the command.
    It runs in a process group of its own, to which INT TERM HUP QUIT USR1 USR2 WINCH are passed on, and is
    told DX_POOL, DX_HOST, DX_TOKEN (rises with every grant, so that what is protected can refuse an older run;
    empty if the server has none), DX_SERVER and DX_WAITED (seconds). The slot is given back when the whole group ended.
    If the slot cannot be kept the group is stopped in time, also when distributex itself was killed or stopped.
    If the server says that the slot is lost or revoked, the group is stopped at once: with TERM, then KILL.

EXAMPLES:
    One Puppet run at a time in the whole fleet, and no second one on this host (crontab):
        */5 * * * * /usr/bin/distributex -l -H locks.acme.com -r pool1 '/usr/bin/puppet agent --onetime --no-daemonize'
    Deploy now or not at all:
        distributex -n -H locks.acme.com -r deploy ./deploy.sh web1
    Wait ten minutes at most:
        distributex -w 600 -H locks.acme.com:9889 -r backup -- rsync -a /srv/ backup:/srv/

ENVIRONMENT:
    Every option can be set here instead; the command line wins. Options without a value take 1, true or yes,
    and 0, false or no.
        DISTRIBUTEX_SERVER     DISTRIBUTEX_RESOURCE       DISTRIBUTEX_PORT                DISTRIBUTEX_HOST
        DISTRIBUTEX_NONBLOCK   DISTRIBUTEX_WAIT           DISTRIBUTEX_CONFLICT_EXIT_CODE  DISTRIBUTEX_TTL
        DISTRIBUTEX_LOCK       DISTRIBUTEX_LOCK_FILE      DISTRIBUTEX_NO_WAIT_GROUP       DISTRIBUTEX_VERBOSE
        DISTRIBUTEX_COMMAND_NOTE  DISTRIBUTEX_STATUS_FILE    DISTRIBUTEX_KILL_AFTER       DISTRIBUTEX_MAX_RUN
        DISTRIBUTEX_ON_LOST

EXIT STATUS:
    the command's own, or 128+n if signal n ended it (or ended the waiting)
     64  wrong usage
     69  the server cannot be reached, with -n or when -w ran out (else distributex keeps trying);
         or it has another store than the one asked first
     71  the system refused something: the file of the local lock, a descriptor, a process
     75  no slot: all are held with -n, or -w ran out, or the local lock is held (-E changes it)
     77  refused: the server has no such pool, or this host may not use it, or its leases are too short
     79  the slot was lost or revoked and the command was stopped (--on-lost says how)
    124  --max-run was over and the command was stopped
    126  the command cannot be executed
    127  the command was not found
"#;
