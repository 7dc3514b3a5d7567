//! A limit as operators know it, and what makes the struct of all limits, their defaults and the list of their names of
//! one table, so that nothing about a limit is written twice.

/// What there is to say of one limit.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Its name on the command line, the unit last: `head-bytes-max`.
    pub name: &'static str,
    /// What is limited.
    pub what: &'static str,
    /// Why the default is what it is.
    pub reason: &'static str,
    /// What the peer sees beyond it.
    pub beyond: &'static str,
    /// What holds where nobody says otherwise.
    pub default: u64,
    /// The least that may be set.
    pub least: u64,
    /// The most that may be set.
    pub most: u64,
    pub(super) set: fn(&mut super::Limits, u64),
    pub(super) get: fn(&super::Limits) -> u64,
}

impl Limit {
    /// What these limits say of it.
    pub fn of(&self, limits: &super::Limits) -> u64 {
        (self.get)(limits)
    }
}

/// The bytes of a name with hyphens for underscores.
pub(super) const fn kebab<const BYTES: usize>(name: &str) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    let mut at = 0;
    while at < BYTES {
        bytes[at] = match name.as_bytes()[at] {
            b'_' => b'-',
            byte => byte,
        };
        at += 1;
    }
    bytes
}

/// Each row: what is limited, as documentation; the field, its type, its default, the values allowed; the reason; what
/// happens beyond.
macro_rules! limits {
    ($(
        #[doc = $what:literal]
        $field:ident: $type:ty = $default:expr, in $least:literal..=$most:expr, because $reason:literal, beyond $beyond:literal;
    )+) => {
        /// What one worker allows its clients and itself. Times are milliseconds, sizes bytes.
        #[derive(Clone, Debug)]
        pub struct Limits {
            $(
                #[doc = $what]
                #[doc = concat!(" ", $reason, ". Beyond: ", $beyond, ".")]
                pub $field: $type,
            )+
        }

        impl Limits {
            /// The defaults; each number's reason stands at its field.
            pub const DEFAULT: Limits = Limits { $($field: $default,)+ };

            /// All of them, as `set` knows them.
            pub const NAMES: &'static [Limit] = &[$(Limit {
                name: {
                    const NAME: &str = stringify!($field);
                    const BYTES: [u8; NAME.len()] = kebab(NAME);
                    match std::str::from_utf8(&BYTES) {
                        Ok(name) => name,
                        Err(_) => panic!("a hyphen for an underscore breaks no character"),
                    }
                },
                what: $what.trim_ascii(),
                reason: $reason,
                beyond: $beyond,
                default: Limits::DEFAULT.$field as u64,
                least: $least,
                most: $most,
                set: |limits, value| limits.$field = value as $type,
                get: |limits| limits.$field as u64,
            },)+];
        }
    };
}
pub(super) use limits;
