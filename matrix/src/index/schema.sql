-- Every row belongs to a campaign. Figures are those of `cargo matrix report`; what has no source is NULL. Booleans are 0 and 1.

-- The record files that the index was made of.
CREATE TABLE files (
    path        TEXT PRIMARY KEY,
    campaign    TEXT NOT NULL,
    bytes       INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,    -- since 1970
    sha256      TEXT NOT NULL,
    torn_bytes  INTEGER NOT NULL     -- of a last line that a kill tore; it is not in the index
);

-- One per record: what was asked for, and the machine it was made on.
CREATE TABLE campaigns (
    campaign         TEXT PRIMARY KEY,    -- when it began, command and seed
    command          TEXT NOT NULL,
    seed             TEXT NOT NULL,       -- 64 bits without a sign, more than INTEGER holds
    started          TEXT,                -- UTC
    launches_max     INTEGER NOT NULL,    -- planned per workload
    rounds           INTEGER NOT NULL,
    slice_ms         INTEGER NOT NULL,
    connections      INTEGER NOT NULL,
    requests_per_s   REAL,                -- of an open loop
    cpu_model        TEXT,
    kernel           TEXT,
    usable_cpus      INTEGER,
    rustc            TEXT,
    git_revision     TEXT,
    is_modified      INTEGER              -- whether files differed from that revision
);

-- The executables of a campaign; those that could not run have no number and a reason.
CREATE TABLE arms (
    campaign  TEXT NOT NULL,
    arm       INTEGER,             -- from 0; the first one is the reference
    name      TEXT NOT NULL,
    announced TEXT,                -- what it called itself
    path      TEXT,
    sha256    TEXT,
    revision  TEXT,                -- the commit it was built from, where it is another than that of the campaign
    command   TEXT,                -- what starts it, where --peer gave that
    is_floor  INTEGER,
    left_out  TEXT                 -- why it could not run
);

-- The values of a design.
CREATE TABLE axes (
    campaign TEXT NOT NULL,
    arm      INTEGER NOT NULL,
    axis     TEXT NOT NULL,        -- backend, buffers, allocator
    value    TEXT NOT NULL
);

-- One start of all arms under one workload.
CREATE TABLE launches (
    campaign      TEXT NOT NULL,
    workload      TEXT NOT NULL,
    block         INTEGER NOT NULL,    -- from 0
    started       TEXT NOT NULL,
    server_cpu    INTEGER NOT NULL,
    client_cpu    INTEGER NOT NULL,
    is_quiet      INTEGER NOT NULL,
    foreign_share REAL NOT NULL,       -- CPU time of other programs, of all CPUs
    steal_share   REAL NOT NULL,       -- of the hypervisor
    PRIMARY KEY (campaign, workload, block)
) WITHOUT ROWID;

-- One arm in one launch.
CREATE TABLE observations (
    campaign           TEXT NOT NULL,
    workload           TEXT NOT NULL,
    block              INTEGER NOT NULL,
    arm                INTEGER NOT NULL,
    requests           INTEGER NOT NULL,
    cpu_ns_per_request REAL,             -- trimmed mean over slices
    requests_per_s     REAL,             -- the same
    latency_ns_p50     REAL,
    latency_ns_p99     REAL,
    private_bytes      INTEGER,
    resident_bytes     INTEGER,
    peak_bytes         INTEGER,
    wrong              INTEGER NOT NULL, -- answers
    unanswered         INTEGER NOT NULL,
    reconnects         INTEGER NOT NULL,
    late_sends         INTEGER NOT NULL,
    client_share       REAL,             -- of its core
    invalid            TEXT,             -- why nothing of it counts
    PRIMARY KEY (campaign, workload, block, arm)
) WITHOUT ROWID;

-- One short window of load on one arm.
CREATE TABLE slices (
    campaign           TEXT NOT NULL,
    workload           TEXT NOT NULL,
    block              INTEGER NOT NULL,
    arm                INTEGER NOT NULL,
    round              INTEGER NOT NULL,
    position           INTEGER NOT NULL,
    requests           INTEGER NOT NULL,
    elapsed_ns         INTEGER NOT NULL,
    server_cpu_ns      INTEGER NOT NULL,
    client_cpu_ns      INTEGER NOT NULL,
    in_flight_requests REAL NOT NULL,
    PRIMARY KEY (campaign, workload, block, arm, round)
) WITHOUT ROWID;

-- One arm under one workload, over all launches.
CREATE TABLE cells (
    campaign               TEXT NOT NULL,
    workload               TEXT NOT NULL,
    arm                    INTEGER NOT NULL,
    name                   TEXT NOT NULL,
    launches               INTEGER NOT NULL,
    cpu_us_per_request     REAL,             -- medians over launches
    requests_per_s         REAL,
    latency_us_p50         REAL,             -- of the merged histogram
    latency_us_p99         REAL,
    private_mib            REAL,
    resident_mib           REAL,
    cpu_log_ratio_to_first REAL,             -- with a 95 % interval
    cpu_log_ratio_low      REAL,
    cpu_log_ratio_high     REAL,
    cpu_ratio_to_floor     REAL,
    standing               TEXT,             -- of a sweep, in CPU and memory: unbeaten, open, beaten
    limits                 TEXT,             -- why its wall clock only informs
    invalid                TEXT,             -- why nothing of it counts
    PRIMARY KEY (campaign, workload, arm)
) WITHOUT ROWID;

-- What a comparison decided.
CREATE TABLE decisions (
    campaign  TEXT NOT NULL,
    workload  TEXT NOT NULL,
    question  TEXT NOT NULL,                 -- better, or not-worse with --non-inferiority
    primary_metric TEXT NOT NULL,
    decision  TEXT,                          -- NULL when it is invalid or was broken off
    why_none  TEXT,
    launches  INTEGER NOT NULL,              -- of the look that decided
    alpha     REAL NOT NULL,
    is_quiet  INTEGER NOT NULL,
    is_client_limited INTEGER NOT NULL,
    PRIMARY KEY (campaign, workload)
) WITHOUT ROWID;

-- What each metric of a comparison says.
CREATE TABLE verdicts (
    campaign  TEXT NOT NULL,
    workload  TEXT NOT NULL,
    metric    TEXT NOT NULL,
    role      TEXT NOT NULL,                 -- primary, guard, shown
    baseline  REAL NOT NULL,                 -- ns, bytes, requests per second
    candidate REAL NOT NULL,
    log_ratio REAL NOT NULL,
    low       REAL,                          -- the interval of that look
    high      REAL,
    p         REAL NOT NULL,
    margin    REAL NOT NULL,                 -- a share
    verdict   TEXT NOT NULL,
    decides   INTEGER NOT NULL,
    PRIMARY KEY (campaign, workload, metric)
) WITHOUT ROWID;

-- What the values of the axes do to CPU per request, of a sweep.
CREATE TABLE effects (
    campaign   TEXT NOT NULL,
    workload   TEXT NOT NULL,
    axis       TEXT NOT NULL,
    value      TEXT NOT NULL,
    share      REAL,                         -- of the variance, of the whole axis
    log_factor REAL NOT NULL,                -- to the geometric mean of the axis, with a 95 % interval
    low        REAL,
    high       REAL,
    PRIMARY KEY (campaign, workload, axis, value)
) WITHOUT ROWID;

-- Readings of idle connections; arm is NULL for bare pairs of sockets.
CREATE TABLE idle (
    campaign       TEXT NOT NULL,
    block          INTEGER NOT NULL,
    arm            INTEGER,
    connections    INTEGER NOT NULL,
    private_bytes  INTEGER,
    resident_bytes INTEGER,
    slab_bytes     INTEGER,                  -- of the kernel, machine-wide
    socket_bytes   INTEGER,
    failure        TEXT
);

-- What one arm costs for each request under one workload, counted and not timed.
CREATE TABLE counts (
    campaign        TEXT NOT NULL,
    workload        TEXT NOT NULL,
    arm             INTEGER NOT NULL,
    name            TEXT NOT NULL,
    instructions    REAL,
    syscalls        REAL,
    allocations     REAL,
    allocated_bytes REAL,
    text_bytes      INTEGER,                 -- of the executable
    dependencies    INTEGER,                 -- packages from outside the workspace
    build_cpu_s     REAL,
    missing         TEXT,                    -- why figures are NULL
    invalid         TEXT,                    -- why nothing of it counts
    PRIMARY KEY (campaign, workload, arm)
) WITHOUT ROWID;

-- Calls of the kernel per request, by name.
CREATE TABLE calls (
    campaign    TEXT NOT NULL,
    workload    TEXT NOT NULL,
    arm         INTEGER NOT NULL,
    call        TEXT NOT NULL,
    per_request REAL NOT NULL,
    PRIMARY KEY (campaign, workload, arm, call)
) WITHOUT ROWID;

-- Epochs of a soak.
CREATE TABLE epochs (
    campaign       TEXT NOT NULL,
    segment        INTEGER NOT NULL,         -- start of the server, from 0
    epoch          INTEGER NOT NULL,         -- from 0
    at_ms          INTEGER NOT NULL,         -- its end, since the load of that start began
    requests       INTEGER NOT NULL,
    elapsed_ns     INTEGER NOT NULL,
    server_cpu_ns  INTEGER NOT NULL,
    latency_ns_p50 REAL,
    latency_ns_p99 REAL,
    private_bytes  INTEGER,
    resident_bytes INTEGER,
    syscalls       INTEGER,
    wrong          INTEGER NOT NULL,         -- answers
    unanswered     INTEGER NOT NULL,
    PRIMARY KEY (campaign, segment, epoch)
) WITHOUT ROWID;
