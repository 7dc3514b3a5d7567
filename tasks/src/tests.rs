//! Tasks without a runtime: they are polled by hand, on simulated time.

use std::future::pending;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Wake;

use orthant_core::{Answer, Flat, Limits, MediaType, Outcome, Request, Status};
use rustix::io::Errno;

use super::*;

struct Hello;

impl Handler for Hello {
    type Exchange = ();

    fn on_request(
        &mut self,
        _: &Request<'_>,
        _: &mut (),
        answer: Answer<'_, impl Buffers>,
    ) -> Outcome {
        answer.send(Status::OK, &MediaType::TEXT, b"hello")
    }
}

/// Counts how often a task is woken.
#[derive(Default)]
struct Woken(AtomicU64);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Woken {
    fn times(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

thread_local! {
    static NOW_MS: Cell<u64> = const { Cell::new(0) };
    /// How often the clocks have been read.
    static READ: Cell<u64> = const { Cell::new(0) };
}

fn now() -> Now {
    READ.set(READ.get() + 1);
    Now {
        monotonic_ms: NOW_MS.get(),
        unix_s: 0,
    }
}

type Clock = fn() -> Now;

fn tasks() -> Rc<Tasks<Hello, Flat, Clock>> {
    NOW_MS.set(0);
    Tasks::new(Worker::new(Hello, Limits::DEFAULT, now()), now as Clock)
}

#[test]
fn a_task_is_woken_for_its_own_connection_only() {
    let tasks = tasks();
    let (first, second) = (tasks.open(None).unwrap(), tasks.open(None).unwrap());
    let wakes = [Arc::new(Woken::default()), Arc::new(Woken::default())];
    for (id, woken) in [first, second].into_iter().zip(&wakes) {
        let waker = Waker::from(woken.clone());
        assert_eq!(tasks.changed(id, &mut Context::from_waker(&waker)), None);
    }
    tasks.turn().event(first, |worker| {
        worker.on_bytes(first, b"GET / HTTP/1.1\r\n")
    });
    NOW_MS.set(Limits::DEFAULT.head_timeout_ms + 100);
    // Somebody else's event finds the deadline of the first.
    tasks
        .turn()
        .event(second, |worker| worker.on_bytes(second, b"GET"));
    assert_eq!((wakes[0].times(), wakes[1].times()), (1, 0));
    let waker = Waker::from(wakes[0].clone());
    let want = tasks.changed(first, &mut Context::from_waker(&waker));
    assert!(want.is_some_and(Want::send), "it got a 408");
}

/// As a task that waits for its socket after it has looked once.
#[test]
fn a_task_that_found_a_change_is_woken_for_the_next() {
    let tasks = tasks();
    let id = tasks.open(None).unwrap();
    let mut drained = pin!(tasks.drained());
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let context = &mut Context::from_waker(&waker);
    assert!(
        drained
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    assert!(tasks.changed(id, context).is_some(), "draining changed it");
    NOW_MS.set(Limits::DEFAULT.drain_timeout_ms + 100);
    tasks.turn().event(id, |_| Want::NOTHING);
    assert_eq!(woken.times(), 1, "its time is over");
}

#[test]
fn time_is_kept_without_events() {
    let tasks = tasks();
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let context = &mut Context::from_waker(&waker);
    let asked_ms = Rc::new(Cell::new(0));
    let noted = asked_ms.clone();
    let mut timekeeper = pin!(tasks.keep_time(move |duration| {
        noted.set(duration.as_millis() as u64);
        let until_ms = NOW_MS.get() + duration.as_millis() as u64;
        poll_fn(move |_| {
            if NOW_MS.get() >= until_ms {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
    }));
    assert!(timekeeper.as_mut().poll(context).is_pending());
    assert_eq!((asked_ms.get(), woken.times()), (0, 0), "nothing is due");
    let id = tasks.open(None).unwrap();
    assert_eq!(woken.times(), 1, "a connection has a deadline");
    let mut turns = 0;
    while !tasks.changed(id, context).is_some_and(Want::close) {
        assert!(timekeeper.as_mut().poll(context).is_pending());
        NOW_MS.set(NOW_MS.get() + asked_ms.get());
        turns += 1;
        assert!(turns < 20, "it sleeps until a deadline, not tick by tick");
    }
    assert!(NOW_MS.get() >= Limits::DEFAULT.idle_timeout_ms);
    tasks.ended(id, Ended::Wanted);
}

#[test]
fn draining_ends_with_the_last_connection() {
    let tasks = tasks();
    let id = tasks.open(None).unwrap();
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let context = &mut Context::from_waker(&waker);
    let mut drained = pin!(tasks.drained());
    assert!(drained.as_mut().poll(context).is_pending());
    assert!(tasks.open(None).is_none());
    tasks.ended(id, Ended::Wanted);
    assert_eq!(
        (woken.times(), drained.as_mut().poll(context)),
        (1, Poll::Ready(()))
    );
}

#[test]
fn a_panic_in_one_task_ends_the_main_task() {
    let tasks = tasks();
    let id = tasks.open(None).unwrap();
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let context = &mut Context::from_waker(&waker);
    let mut drained = Box::pin(tasks.drained());
    assert!(drained.as_mut().poll(context).is_pending());
    let caught = catch_unwind(AssertUnwindSafe(|| {
        tasks.turn().event(id, |_| panic!("on purpose"))
    }));
    assert_eq!((caught.is_err(), woken.times()), (true, 1));
    let polled = catch_unwind(AssertUnwindSafe(|| drained.as_mut().poll(context)));
    assert!(polled.is_err(), "the panic is passed on");
}

/// Has a request whenever it is asked, and takes whatever it is given.
struct Endless;

impl Stream for Endless {
    fn poll_send(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_receive(&mut self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        buffer[..request.len()].copy_from_slice(request);
        Poll::Ready(Ok(request.len()))
    }

    fn shut(&mut self, _: &mut Context<'_>) -> io::Result<()> {
        unreachable!("it has not ended")
    }

    fn reset(&mut self) {
        unreachable!("it has not ended")
    }
}

#[test]
fn a_poll_comes_to_an_end_and_reads_the_clocks_once() {
    let tasks = tasks();
    let id = tasks.open(None).unwrap();
    let buffer = Rc::new(RefCell::new(vec![0; 64]));
    let mut socket = pin!(Socket::new(tasks, id, Endless, buffer));
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    READ.set(0);
    assert!(
        socket
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    assert_eq!((woken.times(), READ.get()), (1, 1));
}

/// A listener on a runtime that never says that somebody is there.
struct Silent(TcpListener);

impl AsFd for Silent {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Listener for Silent {
    const NONBLOCKING: bool = true;

    async fn wait(&self) -> io::Result<()> {
        pending().await
    }

    async fn turn(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Four clients come; the third is `refused` at first. Returns how many have been tried before and after the first has
/// ended. No time passes.
fn tried_by_the_end_of_the_first(connections_max: usize, refused: Option<i32>) -> (usize, usize) {
    let limits = Limits {
        connections_max,
        ..Limits::DEFAULT
    };
    let tasks = Tasks::new(Worker::<_, Flat>::new(Hello, limits, now()), now as Clock);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let _clients = [(); 4].map(|()| TcpStream::connect(address).unwrap());
    let listeners = [Silent(listener)];
    let tried = RefCell::new(Vec::new());
    let serve = |id, socket: OwnedFd| {
        tried.borrow_mut().push((id, socket));
        match refused {
            Some(error) if tried.borrow().len() == 3 => Err(io::Error::from_raw_os_error(error)),
            _ => Ok(()),
        }
    };
    let mut accepting = pin!(tasks.accept(&listeners, pending(), |_| pending::<()>(), serve));
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let context = &mut Context::from_waker(&waker);
    assert!(accepting.as_mut().poll(context).is_pending());
    let before = tried.borrow().len();
    let (first, socket) = tried.borrow_mut().remove(0);
    drop(socket);
    let woken_before = woken.times();
    tasks.ended(first, Ended::Wanted);
    assert_eq!(woken.times(), woken_before + 1);
    assert!(accepting.as_mut().poll(context).is_pending());
    (before, tried.borrow().len() + 1)
}

#[test]
fn a_connection_that_ends_lets_the_next_one_in_at_once() {
    let full = tried_by_the_end_of_the_first(2, None);
    assert_eq!(full, (2, 3));
    let lacking = Some(Errno::MFILE.raw_os_error());
    let lacking = tried_by_the_end_of_the_first(9, lacking);
    assert_eq!(lacking, (3, 4));
}
