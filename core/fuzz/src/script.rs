//! Lists of operations on a worker, as text: an operation is a letter for what, a digit for whom, and the rest as it is; bytes
//! 255 stand between them, since no request holds one. So a seed is written by hand, and every input is a list.
//!
//! ```text
//! b0GET / HTTP/1.1…   connection 0 sends bytes           f1   connection 1 half-closes      d     the worker drains
//! p1                  what it is to send is under way    e1   connection 1 is reset         t-A   65 ms pass
//! s1A                 connection 1 takes 65² bytes       r2   connection 2 is resumed       else  nothing
//! ```

/// An operation; connections are numbered in the order in which they open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The connection sends these bytes; the first of them open it.
    Bytes(usize, Vec<u8>),
    /// The connection sends nothing any more.
    Fin(usize),
    /// The kernel has what is to be sent.
    Lend(usize),
    /// It has sent so many bytes of it.
    Take(usize, usize),
    /// A parked request is resumed.
    Resume(usize),
    /// The connection is reset.
    Reset(usize),
    /// So many milliseconds pass.
    Tick(u64),
    /// The worker drains.
    Drain,
}

/// How many connections operations can name at one time.
const NAMES: usize = 4;

/// The operations that `text` lists, and how many connections they are about. A name whose connection was reset stands for a
/// new one. What is sent behind an end of input is left out.
pub fn operations(text: &[u8]) -> (Vec<Operation>, usize) {
    let mut named: [Option<(usize, bool)>; NAMES] = [None; NAMES];
    let (mut operations, mut count) = (Vec::new(), 0);
    for words in text.split(|&byte| byte == 255) {
        let (what, name, rest) = match words {
            [what, name, rest @ ..] => (*what, usize::from(*name) % NAMES, rest),
            [what] => (*what, 0, &[][..]),
            [] => continue,
        };
        let (number, ended) = *named[name].get_or_insert_with(|| {
            count += 1;
            (count - 1, false)
        });
        let amount = rest.first().copied().unwrap_or(255);
        operations.push(match what {
            b'b' if !ended && !rest.is_empty() => Operation::Bytes(number, rest.to_vec()),
            b'f' if !ended => {
                named[name] = Some((number, true));
                Operation::Fin(number)
            }
            b'p' => Operation::Lend(number),
            b's' => Operation::Take(number, usize::from(amount).pow(2)),
            b'r' => Operation::Resume(number),
            b'e' => {
                named[name] = None;
                Operation::Reset(number)
            }
            b't' => Operation::Tick(amount.into()),
            b'd' => Operation::Drain,
            _ => continue,
        });
    }
    (operations, count)
}

/// The same bytes for each connection, all of them at once; no other operations.
pub fn at_once(operations: &[Operation], count: usize) -> Vec<Operation> {
    let mut gathered = vec![Vec::new(); count];
    for operation in operations {
        if let Operation::Bytes(number, bytes) = operation {
            gathered[*number].extend_from_slice(bytes);
        }
    }
    let all = gathered.into_iter().enumerate();
    all.filter(|(_, bytes)| !bytes.is_empty())
        .map(|(number, bytes)| Operation::Bytes(number, bytes))
        .collect()
}
