//! The end of a thread (pthread_key_create(3)).
//!
//! Not a thread local with a destructor: reading one costs a look at its state each time, and none may be used by
//! destructors that come after its own. With glibc destructors of keys come after all of Rust's; a thread that takes memory later
//! begins anew, four times at most (PTHREAD_DESTRUCTOR_ITERATIONS): what it takes after that stays with it.

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::allocator::front;
use crate::allocator::policy::Policy;

/// The key plus one; 0 before there is one.
static KEY: AtomicU64 = AtomicU64::new(0);

/// Has the calling thread's blocks go home when it ends. Where the system has no key left they stay: the memory of a thread
/// is lost then, and nothing else.
pub(crate) fn end_with_thread<P: Policy>() {
    let Some(key) = key::<P>() else {
        return;
    };
    // Any value but null has the destructor called.
    let value = ptr::without_provenance::<c_void>(1);
    // SAFETY: the key exists and is never deleted.
    unsafe { libc::pthread_setspecific(key, value) };
}

fn key<P: Policy>() -> Option<libc::pthread_key_t> {
    // Acquire: what made the key is done.
    let known = KEY.load(Ordering::Acquire);
    if known != 0 {
        return Some((known - 1) as libc::pthread_key_t);
    }
    let mut key = 0;
    // SAFETY: writes a key to `key`; the function may be called in any thread.
    let error = unsafe { libc::pthread_key_create(&mut key, Some(ended::<P>)) };
    if error != 0 {
        return None;
    }
    let exchanged =
        KEY.compare_exchange(0, u64::from(key) + 1, Ordering::Release, Ordering::Acquire);
    match exchanged {
        Ok(_) => Some(key),
        Err(known) => {
            // SAFETY: another thread was faster, and nobody knows of this one.
            unsafe { libc::pthread_key_delete(key) };
            Some((known - 1) as libc::pthread_key_t)
        }
    }
}

extern "C" fn ended<P: Policy>(_: *mut c_void) {
    front::end::<P>();
}
