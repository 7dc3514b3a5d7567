//! What every user of an allocator relies on, with this one behind `#[global_allocator]` and in each of its policies: blocks do
//! not overlap, keep what is written, and are aligned and zeroed as asked; also when they cross threads, outlive them, or
//! are used while one ends.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::RefCell;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;

use orthant_slab::{Balanced, Lean, Policy, Slab, Speed, serves};

#[global_allocator]
static GLOBAL: Slab<Balanced> = Balanced::ALLOCATOR;

/// Where chance comes from: xorshift (Marsaglia, 2003).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }

    /// Mostly small, sometimes up to some mebibytes.
    fn layout(&mut self) -> Layout {
        let most = [64, 1024, 1024, 20_000, 200_000, 3 << 20][self.below(6)];
        let align = 1 << [0, 3, 4, 4, 6, 12, 16][self.below(7)];
        Layout::from_size_align(1 + self.below(most), align).expect("it is small")
    }
}

/// A block that is filled with a pattern of its own, and checks it whenever it is touched.
struct Filled {
    start: usize,
    layout: Layout,
    mark: u8,
}

impl Filled {
    fn new<P: Policy>(slab: &Slab<P>, layout: Layout, mark: u8, zeroed: bool) -> Filled {
        let start = if zeroed {
            // SAFETY: no layout here has size 0.
            unsafe { slab.alloc_zeroed(layout) }
        } else {
            // SAFETY: no layout here has size 0.
            unsafe { slab.alloc(layout) }
        };
        assert!(!start.is_null());
        assert!(start.addr().is_multiple_of(layout.align()), "{layout:?}");
        let mut filled = Filled {
            start: start.expose_provenance(),
            layout,
            mark,
        };
        if zeroed {
            assert!(filled.bytes().iter().all(|byte| *byte == 0), "{layout:?}");
        }
        filled.fill();
        filled
    }

    fn bytes(&mut self) -> &mut [u8] {
        let start = std::ptr::with_exposed_provenance_mut(self.start);
        // SAFETY: the block is this one's until it is freed, so long, and zeroed or filled before it is read.
        unsafe { std::slice::from_raw_parts_mut(start, self.layout.size()) }
    }

    fn fill(&mut self) {
        let mark = self.mark;
        for (at, byte) in self.bytes().iter_mut().enumerate() {
            *byte = mark.wrapping_add(at as u8);
        }
    }

    fn check(&mut self, bytes: usize) {
        let (mark, layout) = (self.mark, self.layout);
        for (at, byte) in self.bytes()[..bytes].iter().enumerate() {
            assert_eq!(*byte, mark.wrapping_add(at as u8), "{at} of {layout:?}");
        }
    }

    fn resize<P: Policy>(self, slab: &Slab<P>, size: usize) -> Filled {
        let start = std::ptr::with_exposed_provenance_mut(self.start);
        // SAFETY: the block came from there by this layout, and is not used any more under its old address.
        let moved = unsafe { slab.realloc(start, self.layout, size) };
        assert!(!moved.is_null());
        let layout = Layout::from_size_align(size, self.layout.align()).expect("it is small");
        assert!(moved.addr().is_multiple_of(layout.align()), "{layout:?}");
        let kept = self.layout.size().min(size);
        let mut resized = Filled {
            start: moved.expose_provenance(),
            layout,
            mark: self.mark,
        };
        resized.check(kept);
        resized.fill();
        resized
    }

    fn free<P: Policy>(mut self, slab: &Slab<P>) {
        self.check(self.layout.size());
        let start = std::ptr::with_exposed_provenance_mut(self.start);
        // SAFETY: the block came from there by this layout, and this was its only owner.
        unsafe { slab.dealloc(start, self.layout) };
    }
}

/// Takes, resizes and frees at random, over places that several threads share.
fn churn<P: Policy>(places: &[Mutex<Option<Filled>>], seed: u64, turns: usize) {
    let slab = Slab::<P>::new();
    let mut chance = Chance(seed);
    for _ in 0..turns {
        let mut place = places[chance.below(places.len())]
            .lock()
            .expect("nobody panics");
        let next = match place.take() {
            Some(filled) if chance.below(4) == 0 => {
                let size = chance.layout().size();
                Some(filled.resize(&slab, size))
            }
            Some(filled) => {
                filled.free(&slab);
                None
            }
            None => {
                let mark = chance.below(256) as u8;
                Some(Filled::new(
                    &slab,
                    chance.layout(),
                    mark,
                    mark.is_multiple_of(4),
                ))
            }
        };
        *place = next;
        if chance.below(1000) == 0 {
            P::collect();
        }
    }
}

fn shared<P: Policy>() {
    let places: Arc<Vec<Mutex<Option<Filled>>>> =
        Arc::new((0..200).map(|_| Mutex::new(None)).collect());
    let threads: Vec<_> = (1..=4)
        .map(|seed| {
            let places = places.clone();
            thread::spawn(move || churn::<P>(&places, seed * 0x9E37_79B9, 4_000))
        })
        .collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().expect("it does not panic"));
    let slab = Slab::<P>::new();
    for place in places.iter() {
        if let Some(filled) = place.lock().expect("nobody panics").take() {
            filled.free(&slab);
        }
    }
}

#[test]
fn blocks_that_threads_share_keep_what_is_written() {
    shared::<Speed>();
    shared::<Balanced>();
    shared::<Lean>();
}

#[test]
fn every_alignment_up_to_a_mebibyte_is_kept() {
    let slab = Slab::<Balanced>::new();
    for shift in 0..=20 {
        for size in [
            1,
            16,
            100,
            4096,
            16 << 10,
            (16 << 10) + 1,
            100 << 10,
            1 << 20,
            2 << 20,
        ] {
            let layout = Layout::from_size_align(size, 1 << shift).unwrap();
            let filled = Filled::new(&slab, layout, shift, true).resize(&slab, size + 1000);
            filled.resize(&slab, size).free(&slab);
        }
    }
}

#[test]
fn a_block_that_hardly_grows_stays_where_it_is() {
    let slab = Slab::<Balanced>::new();
    for (size, larger) in [(97, 112), (20_000, 60_000), (70_000, 120_000)] {
        let layout = Layout::from_size_align(size, 8).unwrap();
        let filled = Filled::new(&slab, layout, 1, false);
        let start = filled.start;
        let filled = filled.resize(&slab, larger);
        assert_eq!(filled.start, start, "{size} to {larger}");
        filled.free(&slab);
    }
}

/// Takes and frees memory when its thread ends, after some of the thread's locals are gone.
struct Late(RefCell<Vec<String>>);

impl Drop for Late {
    fn drop(&mut self) {
        let words: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
        assert_eq!(words.concat().len(), 10 + 180 + 2700);
        self.0.borrow_mut().push("last".to_owned());
    }
}

thread_local! {
    static LATE: Late = const { Late(RefCell::new(Vec::new())) };
}

#[test]
fn memory_is_there_while_a_thread_ends() {
    for _ in 0..100 {
        let thread =
            thread::spawn(|| LATE.with(|late| late.0.borrow_mut().push("first".to_owned())));
        thread.join().unwrap();
    }
}

#[test]
fn a_child_of_fork_goes_on_with_what_its_thread_had() {
    let (sender, receiver) = mpsc::channel();
    // Another thread is in the middle of something, always.
    let other = thread::spawn(move || {
        while receiver.try_recv().is_err() {
            drop((0..100).map(|size| vec![1_u8; size]).collect::<Vec<_>>());
        }
    });
    for _ in 0..20 {
        let kept: Vec<_> = (0..1000_usize).map(|number| number.to_string()).collect();
        // SAFETY: the child calls nothing but what this allocator and the system's calls are, and ends by `_exit`.
        let child = unsafe { libc::fork() };
        assert!(child >= 0);
        if child == 0 {
            let more: Vec<_> = kept.iter().map(|text| text.repeat(10)).collect();
            Balanced::collect();
            let right = more
                .iter()
                .zip(&kept)
                .all(|(more, text)| more.starts_with(text.as_str()));
            drop((kept, more));
            // SAFETY: ends the child, without what the parent's test runner would do at its end.
            unsafe { libc::_exit(i32::from(!right)) };
        }
        let mut status = -1;
        // SAFETY: waits for our child and writes a number.
        unsafe { libc::waitpid(child, &mut status, 0) };
        assert_eq!(status, 0);
    }
    sender.send(()).unwrap();
    other.join().unwrap();
    assert!(
        std::process::Command::new("true")
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn it_serves_however_often_it_is_asked() {
    // Other tests free meanwhile, which can make it deny, but not always.
    for _ in 0..3 {
        assert!((0..1000).any(|_| serves()));
    }
}
