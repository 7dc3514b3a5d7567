//! The design: one value on each axis. This is the only file that looks at features; a new value is one line in it.

/// Chooses one value of an axis: what it is called, and what stands for it in this crate.
macro_rules! axis {
    ($name:ident $chosen:ident, $article:literal: $($value:literal => $path:path,)+) => {
        $(
            #[cfg(feature = $value)]
            pub(crate) use $path as $chosen;
            #[cfg(feature = $value)]
            const $name: &str = $value;
        )+
        #[cfg(not(any($(feature = $value),+)))]
        compile_error!(concat!("choose ", $article, " by one of the features:" $(, " ", $value)+));
        axis!(@pairs $article: $($value)+);
    };
    (@pairs $article:literal: $value:literal $($other:literal)*) => {
        $(
            #[cfg(all(feature = $value, feature = $other))]
            compile_error!(concat!(
                "choose ", $article, " by one feature only, not both ", $value, " and ", $other,
                "; default-features = false drops the defaults"
            ));
        )*
        axis!(@pairs $article: $($other)*);
    };
    (@pairs $article:literal:) => {};
}

axis! { BACKEND backend, "a backend":
    "epoll" => orthant_epoll,
    "uring" => orthant_uring,
    "glommio" => orthant_glommio,
    "monoio" => orthant_monoio,
    "tokio-uring" => orthant_tokio_uring,
    "tokio" => orthant_tokio,
}

axis! { BUFFERS Chosen, "a buffer strategy":
    "flat" => orthant_core::Flat,
    "split" => orthant_core::Split,
    "leased" => orthant_core::Leased,
}

axis! { ALLOCATOR_NAME allocator, "an allocator":
    "system" => orthant_system,
    "mimalloc" => orthant_mimalloc,
    "jemalloc" => orthant_jemalloc,
    "slab" => orthant_slab,
}

axis! { POLICY Named, "a release policy":
    "balanced" => allocator::Balanced,
    "speed" => allocator::Speed,
    "lean" => allocator::Lean,
}

use allocator::Policy;

/// The policy as it is built in.
#[cfg(not(feature = "hardened"))]
type Released = Named;

/// The policy, and what looks for mistakes with memory.
#[cfg(all(feature = "hardened", feature = "slab"))]
type Released = orthant_slab::Hardened<Named>;

#[cfg(all(feature = "hardened", not(feature = "slab")))]
compile_error!("choose the allocator slab, whose option hardened is, or leave that out");

/// The policy that names leave out.
const UNNAMED: &str = "balanced";

/// What goes behind `#[global_allocator]`.
#[cfg(not(feature = "count-allocations"))]
pub type Allocator = <Released as Policy>::Allocator;

/// The one value of [`Allocator`].
#[cfg(not(feature = "count-allocations"))]
pub const ALLOCATOR: Allocator = Released::ALLOCATOR;

/// The allocator behind a layer that counts what goes through it.
#[cfg(feature = "count-allocations")]
pub type Allocator = orthant_counting::Counting<<Released as Policy>::Allocator>;

/// The one value of [`Allocator`].
#[cfg(feature = "count-allocations")]
pub const ALLOCATOR: Allocator = orthant_counting::Counting(Released::ALLOCATOR);

/// Sets the allocator up, before the process has other threads.
pub(crate) fn begin() {
    Released::begin();
}

/// Gives back what the calling thread's allocator does not need.
pub(crate) fn collect() {
    Released::collect();
}

pub(crate) use allocator::{Stats as AllocatorStats, stats as allocator_stats};
pub use backend::Tuning;

/// What this build is.
#[derive(Clone, Debug)]
pub struct Design {
    /// The value on the axis of backends.
    pub backend: &'static str,
    /// The value on the axis of buffer strategies.
    pub buffers: &'static str,
    /// The value on the axis of allocators; `slab-hardened` is none, and what the option of slab makes of it.
    pub allocator: &'static str,
    /// The value on the axis of release policies: when the allocator gives memory back to the kernel.
    pub policy: &'static str,
    /// The version that the allocator gives of itself.
    pub allocator_version: String,
    /// Whether that allocator really serves this process, by its own evidence.
    pub allocator_serves: bool,
    /// The version of this package.
    pub version: &'static str,
    /// The git revision that was built, `-dirty` where the sources differed from it, or `unknown`.
    pub revision: &'static str,
    /// The compiler.
    pub rustc: &'static str,
}

impl Design {
    /// The design of this executable; asks the allocator for its evidence.
    pub fn of_this_build() -> Design {
        Design {
            backend: BACKEND,
            buffers: BUFFERS,
            allocator: if cfg!(feature = "hardened") {
                "slab-hardened"
            } else {
                ALLOCATOR_NAME
            },
            policy: POLICY,
            allocator_version: allocator::version(),
            allocator_serves: allocator::serves(),
            version: env!("CARGO_PKG_VERSION"),
            revision: env!("ORTHANT_REVISION"),
            rustc: env!("ORTHANT_RUSTC"),
        }
    }

    /// The values in the order of the axes: `epoll+split+system`, `epoll+split+system+lean`. The balanced policy is not
    /// named.
    pub fn name(&self) -> String {
        let policy = Some(self.policy).filter(|policy| *policy != UNNAMED);
        let values = [self.backend, self.buffers, self.allocator].into_iter();
        values.chain(policy).collect::<Vec<_>>().join("+")
    }
}
