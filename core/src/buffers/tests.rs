//! The contract of `Buffers`, run against every strategy, and what each strategy promises on top.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Write(usize),
    Sent(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let write = prop_oneof![
        1..300usize,
        4_000..4_200usize,
        16_000..17_000usize,
        30_000..70_000usize
    ];
    proptest::collection::vec(
        prop_oneof![
            write.prop_map(Step::Write),
            (0..20_000usize).prop_map(Step::Sent)
        ],
        1..60,
    )
}

/// Two connections share a pool of three regions; what goes in must come out, once and in order, at a stable address.
fn keeps_the_contract<B: Buffers>(steps: &[Step]) {
    let mut pool = Pool::new(3);
    let mut connections = [B::open(&mut pool), B::open(&mut pool)];
    let mut written = [0u64, 0];
    let mut read = [0u64, 0];
    for (turn, step) in steps.iter().enumerate() {
        let which = turn / 2 % 2;
        let buffers = &mut connections[which];
        match *step {
            Step::Write(bytes) => match buffers.reserve(bytes, &mut pool) {
                Reserve::Ready => {
                    let address = buffers.pending().as_ptr();
                    let had = buffers.pending().len();
                    for _ in 0..bytes {
                        buffers.region().push((written[which] % 251) as u8);
                        written[which] += 1;
                    }
                    assert!(
                        had == 0 || buffers.pending().as_ptr() == address,
                        "pending bytes moved"
                    );
                }
                Reserve::Flush => assert!(!buffers.pending().is_empty()),
                Reserve::Wait => assert!(pool.lent() > 0 && buffers.pending().is_empty()),
                Reserve::TooLarge => assert!(bytes > 3 * BIG_REGION_BYTES),
            },
            Step::Sent(bytes) => {
                let bytes = bytes.min(buffers.pending().len());
                for &byte in &buffers.pending()[..bytes] {
                    assert_eq!(byte, (read[which] % 251) as u8);
                    read[which] += 1;
                }
                buffers.sent(bytes, &mut pool);
            }
        }
        assert!(pool.lent() <= 3);
        assert_eq!(
            written[which] - read[which],
            connections[which].pending().len() as u64
        );
    }
    for buffers in connections {
        buffers.close(&mut pool);
    }
    assert_eq!((pool.lent(), pool.in_use_bytes()), (0, 0));
}

proptest! {
    #[test]
    fn flat_keeps_the_contract(steps in steps()) {
        keeps_the_contract::<Flat>(&steps);
    }

    #[test]
    fn split_keeps_the_contract(steps in steps()) {
        keeps_the_contract::<Split>(&steps);
    }

    #[test]
    fn leased_keeps_the_contract(steps in steps()) {
        keeps_the_contract::<Leased>(&steps);
    }
}

#[test]
fn leased_holds_a_region_only_while_bytes_are_pending() {
    let mut pool = Pool::new(1);
    let mut buffers = Leased::open(&mut pool);
    for bytes in [100, SMALL_REGION_BYTES, SMALL_REGION_BYTES + 1] {
        assert_eq!(buffers.reserve(bytes, &mut pool), Reserve::Ready);
        assert!(buffers.region().capacity() >= bytes);
        buffers.region().extend_from_slice(&vec![1; bytes]);
        assert_eq!(pool.lent(), usize::from(bytes > SMALL_REGION_BYTES));
        buffers.sent(bytes - 1, &mut pool);
        assert!(buffers.region.is_some());
        buffers.sent(1, &mut pool);
        assert!(buffers.region.is_none() && pool.lent() == 0 && pool.in_use_bytes() == 0);
    }
    assert_eq!(buffers.reserve(100, &mut pool), Reserve::Ready);
    buffers.release(&mut pool);
    assert!(buffers.region.is_none(), "what is not written to goes back");
    assert_eq!(pool.kept_bytes(), SMALL_REGION_BYTES + BIG_REGION_BYTES);
}

#[test]
fn a_pool_keeps_what_is_needed_and_frees_the_rest() {
    let mut pool = Pool::new(0);
    let regions: Vec<_> = (0..100).map(|_| pool.own(SMALL_REGION_BYTES)).collect();
    regions.into_iter().for_each(|region| pool.keep(region));
    pool.trim();
    assert_eq!(
        pool.kept_bytes(),
        100 * SMALL_REGION_BYTES,
        "they came back just now"
    );
    for _ in 0..20 {
        let needed: Vec<_> = (0..10).map(|_| pool.own(SMALL_REGION_BYTES)).collect();
        needed.into_iter().for_each(|region| pool.keep(region));
        pool.trim();
    }
    assert_eq!(pool.kept_bytes(), 10 * SMALL_REGION_BYTES);
    pool.trim();
    assert_eq!(
        pool.kept_bytes(),
        5 * SMALL_REGION_BYTES,
        "an idle pool shrinks"
    );
}

#[test]
fn split_flushes_small_answers_before_a_large_one_and_returns_its_region() {
    let mut pool = Pool::new(1);
    let mut buffers = Split::open(&mut pool);
    assert_eq!(buffers.reserve(100, &mut pool), Reserve::Ready);
    buffers.region().extend_from_slice(&[1; 100]);
    assert_eq!(buffers.reserve(8_000, &mut pool), Reserve::Flush);
    assert_eq!((buffers.pending().len(), pool.lent()), (100, 0));
    buffers.sent(100, &mut pool);
    assert_eq!(buffers.reserve(8_000, &mut pool), Reserve::Ready);
    buffers.region().extend_from_slice(&[2; 8_000]);
    assert_eq!((buffers.pending().len(), pool.lent()), (8_000, 1));
    buffers.sent(7_999, &mut pool);
    assert_eq!(pool.lent(), 1);
    buffers.sent(1, &mut pool);
    assert_eq!(pool.lent(), 0);
}

#[test]
fn an_exhausted_pool_says_wait_until_a_region_comes_back() {
    let mut pool = Pool::new(1);
    let (mut first, mut second) = (Split::open(&mut pool), Split::open(&mut pool));
    assert_eq!(first.reserve(8_000, &mut pool), Reserve::Ready);
    first.region().extend_from_slice(&[1; 8_000]);
    assert_eq!(second.reserve(8_000, &mut pool), Reserve::Wait);
    assert!(!pool.take_returned());
    first.close(&mut pool);
    assert!(pool.take_returned());
    assert_eq!(second.reserve(8_000, &mut pool), Reserve::Ready);
}

#[test]
fn a_region_reserved_but_not_written_stays_lent_to_its_connection_only_until_close() {
    let mut pool = Pool::new(1);
    let mut buffers = Flat::open(&mut pool);
    assert_eq!(
        buffers.reserve(BIG_REGION_BYTES + 1, &mut pool),
        Reserve::TooLarge
    );
    let mut pool = Pool::new(2);
    assert_eq!(
        buffers.reserve(BIG_REGION_BYTES + 1, &mut pool),
        Reserve::Ready
    );
    assert_eq!(pool.lent(), 2);
    buffers.close(&mut pool);
    assert_eq!(pool.lent(), 0);
}
