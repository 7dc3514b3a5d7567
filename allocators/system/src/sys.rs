//! The calls into glibc; the only unsafe code of this crate.

use std::ffi::CStr;

pub(crate) fn info() -> libc::mallinfo2 {
    // SAFETY: takes no argument and reads glibc's own counters under its own locks.
    unsafe { libc::mallinfo2() }
}

pub(crate) fn trim() {
    // SAFETY: takes a number of bytes to keep at the top and releases only pages that no block lives in. Its result
    // says whether anything was released; nothing depends on it.
    unsafe { libc::malloc_trim(0) };
}

/// Sets a parameter of mallopt(3); it refuses only what is out of its range.
pub(crate) fn set(parameter: libc::c_int, value: libc::c_int) {
    // SAFETY: takes two numbers, and changes a parameter under glibc's own lock.
    unsafe { libc::mallopt(parameter, value) };
}

pub(crate) fn libc_version() -> String {
    // SAFETY: takes no argument and returns a pointer to a constant of the C library.
    let version = unsafe { libc::gnu_get_libc_version() };
    // SAFETY: the constant is terminated by a zero byte and lives as long as the process.
    let version = unsafe { CStr::from_ptr(version) };
    version.to_string_lossy().into_owned()
}
