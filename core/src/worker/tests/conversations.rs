//! Random conversations: however bytes are cut and whichever strategy keeps them, the answers are the same.

use proptest::prelude::*;

use super::client::{answers, get, worker};
use super::*;
use crate::Method;

/// What may stand in a random conversation.
fn request() -> impl Strategy<Value = String> {
    let path = prop_oneof![
        (0..300u32).prop_map(|count| format!("/size/{count}")),
        (3_000..40_000u32).prop_map(|count| format!("/size/{count}")),
        (0..20_000u32).prop_map(|count| format!("/written/{count}")),
        (0..40_000u32).prop_map(|count| format!("/stream/{count}")),
        (0..40_000u32).prop_map(|count| format!("/chunks/{count}")),
        Just("/none".to_string()),
    ];
    let content = "[a-z]{0,40}";
    prop_oneof![
        4 => path.prop_map(|path| get(&path)),
        1 => content.prop_map(|content| format!(
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{content}", content.len()
        )),
        1 => (content, content).prop_map(|(first, second)| {
            let chunk = |part: &str| if part.is_empty() { String::new() } else { format!("{:x}\r\n{part}\r\n", part.len()) };
            let (first, second) = (chunk(&first), chunk(&second));
            format!("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{first}{second}0\r\n\r\n")
        }),
        1 => content.prop_map(|content| format!(
            "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{content}", content.len()
        )),
    ]
}

/// Talks to a worker: the requests cut by `cuts`, the answers taken by `takes`.
fn talk<B: Buffers>(mut bytes: &[u8], cuts: &[usize], takes: usize) -> Vec<u8> {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    client.takes = takes;
    for cut in cuts.iter().cycle() {
        let (part, rest) = bytes.split_at((*cut).min(bytes.len()));
        client.want = worker.on_bytes(client.id, part);
        client.take(&mut worker);
        bytes = rest;
        if bytes.is_empty() {
            break;
        }
    }
    assert_eq!(worker.regions_lent(), 0);
    client.received
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_cut_and_any_strategy_gives_the_same_answers(
        requests in proptest::collection::vec(request(), 1..12),
        cuts in proptest::collection::vec(1..200usize, 1..20),
        takes in 1..30_000usize,
    ) {
        let bytes = requests.concat().into_bytes();
        let contents = |received: &[u8]| answers(received, Method::Get);
        let whole = contents(&talk::<Flat>(&bytes, &[usize::MAX - 1], usize::MAX));
        prop_assert_eq!(whole.len(), requests.len());
        prop_assert_eq!(contents(&talk::<Split>(&bytes, &[usize::MAX - 1], usize::MAX)), whole.clone());
        prop_assert_eq!(contents(&talk::<Flat>(&bytes, &cuts, takes)), whole.clone());
        prop_assert_eq!(contents(&talk::<Split>(&bytes, &cuts, takes)), whole.clone());
        prop_assert_eq!(contents(&talk::<Leased>(&bytes, &cuts, takes)), whole);
    }
}
