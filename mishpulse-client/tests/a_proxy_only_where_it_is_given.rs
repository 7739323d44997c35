//! The proxy variables of the environment are not looked at; a proxy that is given is used.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

use common::{Monitor, as_a_program, nobody};
use mishpulse_client::{Builder, Status};

#[test]
fn not_from_the_environment() {
    if let Ok(url) = std::env::var("AS_PROGRAM") {
        mishpulse_client::beat(url, Status::Ok).unwrap();
        return;
    }
    let monitor = Monitor::start();
    let proxy = nobody();
    let variables = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"];
    let mut variables: Vec<_> = variables.iter().map(|name| (*name, proxy.as_str())).collect();
    let url = monitor.url();
    variables.push(("AS_PROGRAM", &url));
    let program = as_a_program("not_from_the_environment", &variables);
    assert!(program.status.success(), "{program:?}");
    assert_eq!(monitor.beats().len(), 1);
}

#[test]
fn the_one_that_is_given() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://me:word@{}", listener.local_addr().unwrap());
    let asked = thread::spawn(move || {
        let mut stream = BufReader::new(listener.accept().unwrap().0);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            stream.read_line(&mut head).unwrap();
        }
        stream.get_mut().write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n").unwrap();
        head
    });
    let url = format!("http://monitor.example:8080/api/heartbeat/{}", common::TOKEN);
    Builder::new(url).proxy(proxy).retries(0).beat(Status::Ok).unwrap_err();
    let head = asked.join().unwrap();
    assert!(head.starts_with("CONNECT monitor.example:8080 "), "{head}");
    assert!(!head.contains(common::TOKEN), "the proxy does not see the token");
}
