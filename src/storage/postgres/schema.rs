//! The tables, as SQL that may be run any number of times: by this program where it first needs them, or by an admin in `psql`.

/// Of the tables. What a version adds never takes anything from the one before.
pub(super) const VERSION: i32 = 1;

/// The condition that another version of this program is needed, in the range that SQLSTATE leaves to programs.
const NEWER: &str = "DL001";

/// Makes or changes the tables, in one transaction. Of several who do it at a time the others wait.
pub(super) fn statements() -> String {
    TABLES.replace("{version}", &VERSION.to_string()).replace("{newer}", NEWER)
}

/// The same for `psql`, with what the role has to be granted that the program runs as; where none is named, as a comment.
pub(super) fn script(role: Option<&str>) -> String {
    let statements = statements();
    let (before, role) = match role {
        Some(role) => ("", format!("\"{}\"", role.replace('"', "\"\""))),
        None => ("-- ", "ROLE".to_owned()),
    };
    format!(
        "-- Tables of device-login. This may be run again at any time; nothing is lost by it.\n\
         BEGIN;\n{statements}\n\
         -- What the role needs that device-login connects as, if it is not the one that runs this.\n\
         {before}GRANT USAGE ON SCHEMA device_login TO {role};\n\
         {before}GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA device_login TO {role};\n\
         COMMIT;\n"
    )
}

/// The number of the lock spells `devicelo`.
const TABLES: &str = "\
SELECT pg_advisory_xact_lock(7234318571451804783);
CREATE SCHEMA IF NOT EXISTS device_login;

-- One row: the version of these tables, and which key the records are sealed with.
CREATE TABLE IF NOT EXISTS device_login.store (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    version integer NOT NULL,
    pin bytea,
    probe bytea
);
DO $$
BEGIN
    IF EXISTS (SELECT FROM device_login.store WHERE version > {version}) THEN
        RAISE EXCEPTION 'a newer version of device-login made these tables' USING ERRCODE = '{newer}';
    END IF;
END
$$;

-- A row for each profile. What is bytea is sealed; attempt_* says who may write, sent_* what was sent last.
CREATE TABLE IF NOT EXISTS device_login.records (
    profile text COLLATE \"C\" PRIMARY KEY,
    provider text NOT NULL DEFAULT '',
    location text NOT NULL DEFAULT '',
    client_id text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'signed_out',
    generation bigint NOT NULL DEFAULT 0,
    commits bigint NOT NULL DEFAULT 0,
    key_id text NOT NULL DEFAULT '',
    access_token_expires_at timestamptz,
    last_refresh_at timestamptz,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    current bytea,
    previous bytea,
    calls bytea,
    attempt_id text,
    attempt_home text,
    attempt_holder text,
    attempt_phase text CHECK (attempt_phase IN ('prepared', 'sent', 'committed')),
    attempt_deadline timestamptz,
    sent_generation bigint,
    sent_holder bigint,
    sent_at timestamptz,
    sent_may_rotate boolean
) WITH (fillfactor = 50);

-- Damaged records, for whoever can make something of them.
CREATE TABLE IF NOT EXISTS device_login.set_aside (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    profile text COLLATE \"C\" NOT NULL,
    part text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    content bytea NOT NULL
);
CREATE INDEX IF NOT EXISTS set_aside_profile ON device_login.set_aside (profile);

-- Grants of a client that a provider asked to leave alone, of each profile the last time.
CREATE TABLE IF NOT EXISTS device_login.throttled (
    issuer text COLLATE \"C\" NOT NULL,
    client_id text COLLATE \"C\" NOT NULL,
    profile text COLLATE \"C\" NOT NULL,
    at timestamptz NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (issuer, client_id, profile)
);

INSERT INTO device_login.store (version) VALUES ({version})
    ON CONFLICT (one) DO UPDATE SET version = EXCLUDED.version WHERE store.version < EXCLUDED.version;
";

#[cfg(test)]
mod tests {
    use super::{script, statements};

    #[test]
    fn a_role_is_quoted_and_without_one_nobody_is_granted_anything() {
        let granted = script(Some("fleet \"one\""));
        assert!(granted.contains("TO \"fleet \"\"one\"\"\";") && !granted.contains("\n-- GRANT"));
        assert!(script(None).contains("\n-- GRANT USAGE") && !script(None).contains("\nGRANT"));
    }

    #[test]
    fn the_program_leaves_transactions_to_the_server_and_no_blank_is_left_open() {
        assert!(
            !statements().contains("BEGIN;")
                && !statements().contains("{version}")
                && !statements().contains("{newer}")
        );
    }
}
