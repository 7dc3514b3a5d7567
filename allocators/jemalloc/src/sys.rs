//! The calls into jemalloc that its safe bindings do not offer; the only unsafe code of this crate.

use std::ffi::CStr;
use std::ptr;

use tikv_jemalloc_sys::mallctl;

pub(crate) fn owns(block: *const u8) -> bool {
    let mut address = block;
    // SAFETY: `arenas.lookup` reads one pointer from the fourth argument, whose size is the fifth, and looks it up in
    // the extent map without dereferencing it; any address may be asked for. No result is asked for: EINVAL says that no
    // arena holds it (jemalloc 5.3, src/ctl.c).
    let error = unsafe {
        mallctl(
            c"arenas.lookup".as_ptr(),
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::from_mut(&mut address).cast(),
            size_of_val(&address),
        )
    };
    error == 0
}

/// Runs a control that takes and gives nothing.
pub(crate) fn run(control: &CStr) {
    // SAFETY: the name ends with a zero byte; null pointers say that nothing is read or written.
    let error = unsafe {
        mallctl(
            control.as_ptr(),
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            0,
        )
    };
    assert_eq!(error, 0, "jemalloc refuses the control {control:?}");
}

/// Sets after how many milliseconds free pages go back, for arenas that there are and that there will be; −1 is never.
pub(crate) fn decay(ms: isize) {
    set(c"arenas.dirty_decay_ms", ms);
    set(c"arenas.muzzy_decay_ms", ms);
    // Before the process has threads there is one arena.
    set(c"arena.0.dirty_decay_ms", ms);
    set(c"arena.0.muzzy_decay_ms", ms);
}

/// Sets a control that is a number.
fn set(control: &CStr, mut value: isize) {
    // SAFETY: the name ends with a zero byte, and the control takes an `ssize_t`, which is read from the fourth argument;
    // null pointers say that nothing is written (jemalloc 5.3, jemalloc(3)).
    let error = unsafe {
        mallctl(
            control.as_ptr(),
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::from_mut(&mut value).cast(),
            size_of_val(&value),
        )
    };
    assert_eq!(error, 0, "jemalloc refuses the control {control:?}");
}
