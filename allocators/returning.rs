//! Whether freed memory goes back to the kernel: for the tests of every allocator, which bring a policy each and a process
//! of their own. It belongs to no package.

#[path = "resident.rs"]
mod resident;

use resident::resident_bytes;

/// What is taken and freed, in blocks of 16 to 1,039 bytes.
const SPIKE_BYTES: u64 = 100 << 20;

/// Makes a spike, frees it, and collects so many times. Which share of it the process still has when all of
/// it is freed, and then.
pub(crate) fn shares_left(begin: fn(), collect: fn(), times: u32) -> [f64; 2] {
    begin();
    let mut sizes = (0..).map(|number: usize| 16 + number * 37 % 1024);
    let mut blocks = Vec::<Vec<u8>>::with_capacity(300_000);
    blocks.resize_with(300_000, Vec::new);
    let before = resident_bytes();
    let mut taken = 0;
    for (block, size) in blocks.iter_mut().zip(&mut sizes) {
        if taken >= SPIKE_BYTES {
            break;
        }
        taken += size as u64;
        *block = vec![1; size];
    }
    let full = resident_bytes();
    assert!(full >= before + SPIKE_BYTES, "{before} before, {full} full");
    let share = || resident_bytes().saturating_sub(before) as f64 / SPIKE_BYTES as f64;
    blocks.iter_mut().for_each(|block| *block = Vec::new());
    let freed = share();
    (0..times).for_each(|_| collect());
    [freed, share()]
}
