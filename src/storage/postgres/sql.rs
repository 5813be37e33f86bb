//! The statements. Each is a transaction of its own, and does whatever belongs together.
//!
//! The database alone judges deadlines, by its own clock. All but `REPLACE` may be done twice without harm, so that they are
//! repeated where it is not known whether they were done. What has to outlive a failover raises `synchronous_commit` for
//! itself, where it is set lower.

/// A row of one column that has to be joined to what has to be durable.
macro_rules! durable {
    () => {
        "durable AS (SELECT CASE WHEN current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') \
         THEN set_config('synchronous_commit', 'on', true) END)"
    };
}

/// What every look at the tables begins with: their version, the pin, and whether the server hides rows of them.
macro_rules! head {
    () => {
        "s.version, s.pin, row_security_active('device_login.records')"
    };
}

/// A change of one profile's row, of who holds it. Gives a row where that is who asks.
macro_rules! change {
    ($($set:literal),+) => {
        concat!(
            "WITH ",
            durable!(),
            " UPDATE device_login.records r SET ",
            $($set,)+
            " FROM durable WHERE r.profile = $1 AND r.attempt_id = $2"
        )
    };
}

macro_rules! read {
    ($column:literal) => {
        concat!(
            "SELECT ",
            head!(),
            ", r.",
            $column,
            " FROM device_login.store s LEFT JOIN device_login.records r ON r.profile = $1"
        )
    };
}

/// With the line in clear of the record before it, which says whether that is newer.
pub(super) const READ_CURRENT: &str = read!("current, substring(r.previous FOR 256)");
pub(super) const READ_PREVIOUS: &str = read!("previous");
pub(super) const READ_CALLS: &str = read!("calls");

/// Takes the right to write, where nobody has it, its time is over, or who has it is of the same home and so must be dead.
/// Others than that home wait longer after a request whose answer may come only once: it may be kept and come yet. It need
/// not be durable, since nothing is sent before `NOTE` is.
pub(super) const CLAIM: &str = concat!(
    "WITH claimed AS (
        INSERT INTO device_login.records AS r
            (profile, attempt_id, attempt_home, attempt_holder, attempt_phase, attempt_deadline)
        SELECT $1, $2, $3, $4, 'prepared', clock_timestamp() + interval '60 s'
            FROM device_login.store WHERE version = $5
        ON CONFLICT (profile) DO UPDATE SET attempt_id = EXCLUDED.attempt_id, attempt_home = EXCLUDED.attempt_home,
            attempt_holder = EXCLUDED.attempt_holder, attempt_phase = EXCLUDED.attempt_phase,
            attempt_deadline = clock_timestamp() + interval '60 s'
        WHERE r.attempt_id IS NULL OR r.attempt_id = EXCLUDED.attempt_id OR r.attempt_home = EXCLUDED.attempt_home
            OR clock_timestamp() > r.attempt_deadline
                + CASE WHEN r.attempt_phase = 'sent' AND r.sent_may_rotate AND r.sent_generation = r.generation
                    THEN interval '2 min' ELSE interval '0' END
        RETURNING r.current, r.previous, r.commits, r.sent_generation, r.sent_holder, r.sent_at, r.sent_may_rotate
    )
    SELECT ",
    head!(),
    ", c.current, c.previous, c.commits, c.sent_generation, c.sent_holder, c.sent_at,
        c.sent_may_rotate, NULL AS holder, set_config('synchronous_commit', 'off', true)
    FROM device_login.store s, claimed c
    UNION ALL
    SELECT ",
    head!(),
    ", NULL, NULL, NULL, NULL, NULL, NULL, NULL, r.attempt_holder, NULL
    FROM device_login.store s LEFT JOIN device_login.records r ON r.profile = $1
    WHERE NOT EXISTS (SELECT FROM claimed)"
);

pub(super) const LISTEN: &str = "LISTEN device_login";

pub(super) const NOTE: &str = concat!(
    change!("attempt_phase = 'sent', sent_generation = $3, sent_holder = $4, sent_at = $5, sent_may_rotate = $6"),
    " AND r.attempt_deadline > clock_timestamp() RETURNING true"
);

/// What was set aside leaves no hole before it.
pub(super) const REPLACE: &str = concat!(
    change!(
        "attempt_phase = 'committed', commits = r.commits + 1, generation = $4, ",
        "previous = coalesce(r.current, r.previous), current = $5, ",
        "provider = $6, location = $7, client_id = $8, state = $9, key_id = $10, access_token_expires_at = $11, ",
        "last_refresh_at = $12, changed_at = clock_timestamp()"
    ),
    " AND r.commits = $3 RETURNING true"
);

/// Tells what was committed by who asks. It waits for what is still under way, and is durable only when that is.
pub(super) const CONFIRM: &str = concat!(change!("attempt_id = r.attempt_id"), " RETURNING r.commits");

pub(super) const SAVE_CALLS: &str = concat!(change!("calls = $3"), " RETURNING true");
pub(super) const RESEAL_CURRENT: &str = concat!(
    change!("attempt_phase = 'committed', current = $3, key_id = $4, changed_at = clock_timestamp()"),
    " RETURNING true"
);
pub(super) const RESEAL_PREVIOUS: &str = concat!(change!("previous = $3"), " RETURNING true");
pub(super) const REMOVE_PREVIOUS: &str = concat!(change!("previous = NULL"), " RETURNING true");
pub(super) const REMOVE_CALLS: &str = concat!(change!("calls = NULL"), " RETURNING true");
pub(super) const REMOVE_CURRENT: &str = concat!(
    change!(
        "attempt_phase = 'committed', current = NULL, provider = '', location = '', client_id = '', state = 'signed_out', key_id = '', ",
        "access_token_expires_at = NULL, last_refresh_at = NULL, changed_at = clock_timestamp()"
    ),
    " RETURNING true"
);

macro_rules! set_aside {
    ($column:literal) => {
        concat!(
            "WITH kept AS (INSERT INTO device_login.set_aside (profile, part, content) SELECT profile, '",
            $column,
            "', ",
            $column,
            " FROM device_login.records WHERE profile = $1 AND attempt_id = $2 AND ",
            $column,
            " IS NOT NULL), trimmed AS (DELETE FROM device_login.set_aside WHERE profile = $1 AND number <= \
             (SELECT number FROM device_login.set_aside WHERE profile = $1 ORDER BY number DESC OFFSET 8 LIMIT 1)) \
             UPDATE device_login.records SET ",
            $column,
            " = NULL WHERE profile = $1 AND attempt_id = $2 RETURNING true"
        )
    };
}

pub(super) const SET_CURRENT_ASIDE: &str = set_aside!("current");
pub(super) const SET_PREVIOUS_ASIDE: &str = set_aside!("previous");
pub(super) const REMOVE_SET_ASIDE: &str = "DELETE FROM device_login.set_aside WHERE profile = $1 AND EXISTS \
    (SELECT FROM device_login.records WHERE profile = $1 AND attempt_id = $2)";

/// Gives the right back and tells those who wait for it, with a mark where something was changed. A row of which nothing is
/// left goes with it. As durable as the rest: a server that is promoted would else have others wait for leases that are over.
pub(super) const RELEASE: &str = "\
    WITH emptied AS (
        DELETE FROM device_login.records WHERE profile = $1 AND attempt_id = $2
            AND current IS NULL AND previous IS NULL AND calls IS NULL
        RETURNING profile
    ), released AS (
        UPDATE device_login.records r SET attempt_id = NULL, attempt_home = NULL, attempt_holder = NULL,
            attempt_phase = NULL, attempt_deadline = NULL
        FROM device_login.records before
        WHERE r.profile = $1 AND r.attempt_id = $2 AND before.profile = r.profile
            AND NOT (r.current IS NULL AND r.previous IS NULL AND r.calls IS NULL)
        RETURNING r.profile || CASE before.attempt_phase WHEN 'committed' THEN '!' ELSE '' END
    )
    SELECT pg_notify('device_login', profile)
    FROM (SELECT profile || '!' AS profile FROM emptied UNION ALL TABLE released) given";

/// With whether the server hides rows, which is told where there is no profile as well.
pub(super) const PROFILES: &str = "\
    SELECT r.profile, (SELECT row_security_active('device_login.records')) FROM (VALUES (1)) one
    LEFT JOIN device_login.records r ON r.current IS NOT NULL OR r.previous IS NOT NULL ORDER BY r.profile";
pub(super) const VERSIONS: &str =
    "SELECT profile, commits, changed_at FROM device_login.records WHERE current IS NOT NULL";
pub(super) const ASIDE: &str =
    "SELECT profile, max(number) FROM device_login.set_aside GROUP BY profile ORDER BY profile";
pub(super) const THROTTLED: &str =
    "SELECT profile, at, until FROM device_login.throttled WHERE issuer = $1 AND client_id = $2 ORDER BY at";
/// What is older than an hour tells nothing.
pub(super) const NOTE_THROTTLED: &str = "\
    WITH old AS (
        DELETE FROM device_login.throttled WHERE issuer = $1 AND client_id = $2 AND profile <> $3
            AND greatest(at, until) < clock_timestamp() - interval '1 h'
    )
    INSERT INTO device_login.throttled (issuer, client_id, profile, at, until) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (issuer, client_id, profile) DO UPDATE SET at = EXCLUDED.at, until = EXCLUDED.until";
pub(super) const STRAYS: &str = "SELECT profile, number, content FROM device_login.set_aside ORDER BY profile, number";
/// A standby and the server that it follows are one, and have one identity.
pub(super) const IDENTITY: &str = "\
    SELECT system_identifier::text || '/' || oid::text
    FROM pg_control_system(), pg_database WHERE datname = current_database()";
pub(super) const DETAILS: &str = concat!(
    "SELECT ",
    head!(),
    ", current_database()::text, current_user::text, current_setting('server_version'),
        pg_is_in_recovery(), current_setting('synchronous_commit'), current_setting('transaction_read_only') = 'on'
    FROM device_login.store s"
);
/// Beside the details: rights, TLS of the server's own connection, its clock, and for how many seconds it has had that.
pub(super) const HEALTH: &str = "\
    SELECT bool_and(NOT row_security_active(oid) AND has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
            AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE')),
        (SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()), clock_timestamp(),
        (SELECT extract(epoch FROM clock_timestamp() - backend_start)::float8
            FROM pg_stat_activity WHERE pid = pg_backend_pid())
    FROM pg_class WHERE relnamespace = 'device_login'::regnamespace AND relkind = 'r'";
pub(super) const PIN: &str = concat!("SELECT ", head!(), " FROM device_login.store s");
/// Where not even the row of `store` is to be seen.
pub(super) const IS_HIDDEN: &str = "SELECT row_security_active('device_login.store')";
/// Of a server that takes no writes.
pub(super) const FOLLOWS: &str = "SELECT pg_is_in_recovery()";
pub(super) const BIND: &str = concat!(
    "WITH ",
    durable!(),
    " UPDATE device_login.store SET pin = $1 FROM durable WHERE pin IS NULL AND version = $2"
);
pub(super) const REBIND: &str = concat!(
    "WITH ",
    durable!(),
    " UPDATE device_login.store SET pin = $2 FROM durable WHERE pin IN ($1, $2) RETURNING true"
);
pub(super) const PROBE: &str = concat!(
    "WITH ",
    durable!(),
    " UPDATE device_login.store s SET probe = $1 FROM durable WHERE s.version = $2 RETURNING ",
    head!(),
    ", s.probe"
);
