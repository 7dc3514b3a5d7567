//! What a hardened build finds. Each mistake is made in a process of its own, since that is how it ends.

use std::alloc::{GlobalAlloc, Layout};
use std::process::{Command, ExitStatus};

use orthant_slab::{Balanced, Hardened, Policy, Slab};

#[global_allocator]
static GLOBAL: Slab<Hardened<Balanced>> = Hardened::<Balanced>::ALLOCATOR;

/// Which mistake a process is to make.
const MISTAKE: &str = "ORTHANT_SLAB_MISTAKE";

fn layout(bytes: usize) -> Layout {
    Layout::from_size_align(bytes, 8).expect("a small size and a power of two")
}

fn taken(bytes: usize) -> *mut u8 {
    // SAFETY: the size is not 0.
    let block = unsafe { GLOBAL.alloc(layout(bytes)) };
    assert!(!block.is_null());
    block
}

fn free(block: *mut u8, bytes: usize) {
    // SAFETY: none: that this may be wrong is what the tests are about, and the process is to end by it.
    unsafe { GLOBAL.dealloc(block, layout(bytes)) };
}

fn write(block: *mut u8, word: usize) {
    // SAFETY: the memory is mapped, though it may be nobody's any more.
    unsafe { block.cast::<usize>().write(word) };
}

fn elsewhere(work: impl FnOnce() + Send + 'static) {
    std::thread::spawn(work).join().expect("it ends");
}

fn collect() {
    Hardened::<Balanced>::collect();
}

/// Makes a mistake; what comes behind it is what a program would go on with.
fn make(mistake: &str) {
    match mistake {
        "none" => {}
        "twice" => {
            let block = taken(100);
            free(block, 100);
            free(block, 100);
        }
        "twice, another between" => {
            let (block, other) = (taken(100), taken(100));
            free(block, 100);
            free(other, 100);
            free(block, 100);
        }
        "twice on another thread" => {
            let block = taken(100).expose_provenance();
            elsewhere(move || {
                let block = std::ptr::with_exposed_provenance_mut(block);
                free(block, 100);
                free(block, 100);
            });
        }
        "twice by two threads" => {
            let block = taken(100);
            let address = block.expose_provenance();
            elsewhere(move || free(std::ptr::with_exposed_provenance_mut(address), 100));
            free(block, 100);
        }
        "twice, a run" => {
            let block = taken(100_000);
            free(block, 100_000);
            free(block, 100_000);
        }
        "another class" => free(taken(100), 1000),
        "a run as a block" => free(taken(100_000), 100),
        "a longer run" => free(taken(100_000), 500_000),
        "a block as a run" => free(taken(100), 100_000),
        "inside" => free(taken(100).wrapping_add(16), 100),
        "written to" => {
            let block = taken(100);
            free(block, 100);
            write(block, 0x4141_4141_4141_4141);
            taken(100);
        }
        "written to in part" => {
            let block = taken(100);
            free(block, 100);
            let byte = block.wrapping_add(2);
            // SAFETY: the memory is mapped, though it is nobody's any more.
            let there = unsafe { byte.read() };
            // SAFETY: as above.
            unsafe { byte.write(!there) };
            taken(100);
        }
        "both words written to" => {
            let block = taken(100);
            free(block, 100);
            write(block, 0);
            write(block.wrapping_add(8), usize::MAX);
            taken(100);
        }
        "another's link" => {
            let (block, other) = (taken(100), taken(100));
            free(block, 100);
            free(other, 100);
            for word in [0, 8] {
                let link = block.wrapping_add(word).cast::<usize>();
                // SAFETY: the memory is mapped, though it is nobody's any more.
                write(other.wrapping_add(word), unsafe { link.read() });
            }
            taken(100);
        }
        "made longer" => {
            let block = taken(100);
            free(block, 100);
            // SAFETY: none: the process is to end by it.
            unsafe { GLOBAL.realloc(block, layout(100), 108) };
        }
        "a shorter run" => free(taken(1_000_000), 20_000),
        "a block as a mapping" => {
            // The first of a slab could be one by where it lies.
            let blocks = [taken(100), taken(100)];
            free(
                blocks[usize::from(blocks[0].addr().is_multiple_of(4096))],
                2_000_000,
            );
        }
        "linked by hand" => {
            let (block, target) = (taken(100), taken(100));
            free(block, 100);
            write(block, target.addr());
            taken(100);
        }
        _ => panic!("no such mistake: {mistake}"),
    }
    collect();
}

/// How a process ended that made this mistake, and what it said.
fn after(mistake: &str) -> (ExitStatus, String) {
    let own = std::env::current_exe().expect("this test is a file");
    let output = Command::new(own)
        .args(["--exact", "a_process_that_makes_a_mistake", "--nocapture"])
        .env(MISTAKE, mistake)
        .output()
        .expect("this test can be started once more");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status, said)
}

/// Of no use by itself: the others start it.
#[test]
fn a_process_that_makes_a_mistake() {
    if let Ok(mistake) = std::env::var(MISTAKE) {
        make(&mistake);
    }
}

#[test]
fn mistakes_end_the_process_and_say_which() {
    let twice = "orthant-slab: a block was freed twice\n";
    let layout = "orthant-slab: a block was freed with another layout than it was taken with\n";
    let written = "orthant-slab: memory was written to after it was freed\n";
    for (mistake, says) in [
        ("twice", twice),
        ("twice, another between", twice),
        ("twice on another thread", twice),
        ("twice by two threads", twice),
        ("twice, a run", twice),
        ("another class", layout),
        ("a run as a block", layout),
        ("a longer run", layout),
        ("a block as a run", layout),
        ("inside", layout),
        ("a shorter run", layout),
        ("a block as a mapping", layout),
        ("both words written to", written),
        ("another's link", written),
        (
            "made longer",
            "orthant-slab: a block was made longer or shorter after it was freed\n",
        ),
        ("written to", written),
        ("written to in part", written),
        ("linked by hand", written),
    ] {
        let (status, said) = after(mistake);
        assert!(
            !status.success() && said.contains(says),
            "{mistake}: {status}: {said}"
        );
    }
}

#[test]
fn without_a_mistake_nothing_is_found() {
    let (status, said) = after("none");
    assert!(status.success(), "{status}: {said}");
    // Blocks of every class, runs and mappings that grow, are made shorter, and are freed by threads that did not take them,
    // while heaps are left and taken over.
    let (sender, receiver) = std::sync::mpsc::channel::<Vec<u8>>();
    let consumer = std::thread::spawn(move || receiver.into_iter().for_each(check));
    for thread in 0..24_usize {
        let sender = sender.clone();
        elsewhere(move || {
            for turn in 0..300 {
                let bytes =
                    1 + (turn * 7919 + thread * 104_729) % [400, 40_000, 1_500_000][turn % 3];
                let mut block = vec![turn as u8; bytes];
                block.resize(bytes * 2, turn as u8);
                block.truncate(bytes * 3 / 2);
                block.shrink_to_fit();
                match turn % 2 {
                    0 => sender.send(block).expect("it is waited for"),
                    _ => check(block),
                }
            }
            collect();
        });
    }
    drop(sender);
    consumer.join().expect("it found nothing");
    let aligned = Layout::from_size_align(5000, 4096).expect("a power of two");
    // SAFETY: the size is not 0.
    let block = unsafe { GLOBAL.alloc(aligned) };
    // SAFETY: it was taken by this layout.
    unsafe { GLOBAL.dealloc(block, aligned) };
    collect();
}

fn check(block: Vec<u8>) {
    assert!(block.iter().all(|byte| *byte == block[0]));
}
