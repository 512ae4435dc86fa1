/** People who may log in, and what they log in with. */
export const people = `
CREATE TABLE users (                      -- people; whom the server knows is in here alone
  id                     INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice, unlike names
  username               TEXT NOT NULL UNIQUE CHECK (length(username) BETWEEN 1 AND 63),
  role                   TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
  password_hash          TEXT NOT NULL,                      -- scrypt, with its salt and cost
  enabled                INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  created_at_ms          INTEGER NOT NULL,                   -- ms since 1970, as all times
  password_changed_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE credentials (                -- sessions of browsers, and API tokens; their secrets are not kept
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id         INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  kind            TEXT NOT NULL CHECK (kind IN ('session', 'token')),
  secret_sha256   TEXT NOT NULL UNIQUE CHECK (length(secret_sha256) = 64),
  name            TEXT NOT NULL,                             -- what its owner calls it, or the browser
  created_at_ms   INTEGER NOT NULL,
  expires_at_ms   INTEGER,                                   -- NULL for one that does not expire
  last_used_at_ms INTEGER                                    -- to within a few minutes; NULL where it was never used
) STRICT;

CREATE INDEX credentials_by_user ON credentials (user_id);
`
