//! What is held does not grow, whatever a program does again and again. Each test bounds what all of them hold, since they
//! share a process.

use std::collections::VecDeque;
use std::sync::mpsc;
use std::thread;

use orthant_slab::{Balanced, Policy, Slab, stats};

#[global_allocator]
static GLOBAL: Slab<Balanced> = Balanced::ALLOCATOR;

/// Several times what all of them need at a time, and a part of what goes through each.
const HELD_MAX: u64 = 160 << 20;

fn check_held() {
    let held = stats().held_bytes.expect("it is counted");
    assert!(held < HELD_MAX, "{held} bytes");
}

#[test]
fn threads_that_come_and_go_leave_nothing_behind() {
    let turn = || {
        let made = thread::spawn(|| {
            (1..200)
                .map(|size| vec![1_u8; size * 10])
                .collect::<Vec<_>>()
        });
        let kept = made.join().unwrap();
        thread::spawn(move || drop(kept)).join().unwrap();
    };
    (0..1000).for_each(|_| turn());
    check_held();
}

#[test]
fn one_thread_may_free_what_another_takes() {
    let (sender, receiver) = mpsc::sync_channel::<Vec<Box<[u64; 20]>>>(4);
    let freed = |blocks: Vec<Box<[u64; 20]>>| blocks.iter().map(|block| block[7]).sum::<u64>();
    let consumer = thread::spawn(move || receiver.into_iter().map(freed).sum::<u64>());
    for _ in 0..20_000 {
        let blocks = (0..100).map(|at| Box::new([at; 20])).collect();
        sender.send(blocks).unwrap();
    }
    drop(sender);
    assert_eq!(consumer.join().unwrap(), 20_000 * 4950);
    check_held();
}

#[test]
fn runs_that_another_thread_frees_come_home() {
    let (sender, receiver) = mpsc::sync_channel::<Vec<u8>>(4);
    let consumer = thread::spawn(move || receiver.into_iter().map(|run| run.len()).sum::<usize>());
    for _ in 0..2000 {
        sender.send(vec![1; 256 << 10]).unwrap();
    }
    drop(sender);
    assert_eq!(consumer.join().unwrap(), 2000 * (256 << 10));
    check_held();
}

#[test]
fn runs_in_the_order_of_a_queue_take_no_more_and_more() {
    let mut queue = VecDeque::new();
    for bytes in [1 << 20, 100 << 10] {
        for _ in 0..2000 {
            queue.push_back(vec![1_u8; bytes]);
            if queue.len() > 20 {
                queue.pop_front();
            }
        }
    }
    check_held();
}
