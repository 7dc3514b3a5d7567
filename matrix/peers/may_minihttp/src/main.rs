//! may_minihttp behind routes of the arena: a peer, started in the way in which the matrix starts designs.
//!
//! It reads no chunked content and answers no HEAD without content, so it can serve `pipelined` and `json` alone of the
//! workloads, and is no server for the probe. It binds its own listener: without a port of its own it takes one that was
//! free a moment before.

use std::io::{self, BufRead};
use std::net::TcpListener;

use may_minihttp::{HttpServer, HttpService, HttpServiceFactory, Request, Response};
use orthant_routes::{App, announce, arguments, document, sum};

const NAME: &str = "orthant-peer-may_minihttp";

fn main() -> io::Result<()> {
    let arguments = arguments(NAME);
    if arguments.app == App::Probe {
        eprintln!(
            "{NAME}: may_minihttp cannot be the probe: it reads no chunked content; use --app arena"
        );
        std::process::exit(2);
    }
    may::config().set_workers(arguments.workers);
    let address = TcpListener::bind(arguments.listen)?.local_addr()?;
    let server = HttpServer(Arena).start(address)?;
    announce(NAME, address, arguments.workers)?;
    server.wait();
    Ok(())
}

/// The routes, and what makes them.
#[derive(Clone)]
struct Arena;

impl HttpServiceFactory for Arena {
    type Service = Arena;

    fn new_service(&self, _: usize) -> Arena {
        Arena
    }
}

impl HttpService for Arena {
    fn call(&mut self, request: Request, answer: &mut Response) -> io::Result<()> {
        let target = request.path().to_owned();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        match (request.method(), path) {
            ("GET", "/pipeline") => text(answer, b"ok"),
            ("GET", "/baseline11") => text(answer, sum(query, b"").to_string().as_bytes()),
            ("POST", "/baseline11") => {
                let mut content = request.body();
                let sum = sum(query, content.fill_buf()?);
                text(answer, sum.to_string().as_bytes());
            }
            ("GET", path) => match path
                .strip_prefix("/json/")
                .map(|count| document(count, query))
            {
                Some(Ok(document)) => {
                    answer.header("Content-Type: application/json");
                    answer.body_vec(document);
                }
                Some(Err(400)) => {
                    answer.status_code(400, "Bad Request");
                }
                _ => {
                    answer.status_code(404, "Not Found");
                }
            },
            _ => {
                answer.status_code(405, "Method Not Allowed");
                answer.header("Allow: GET, POST");
            }
        }
        Ok(())
    }
}

fn text(answer: &mut Response, content: &[u8]) {
    answer.header("Content-Type: text/plain");
    answer.body_mut().extend_from_slice(content);
}
