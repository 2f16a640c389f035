//! The simulator over real loopback sockets, with an independent HTTP client.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use acc_assets::simulator::{Fault, Options};
use serde_json::json;

use super::harness::Service;

/// Sends one request on a separate connection. Returns the raw response, or "reset".
fn exchange(url: &str, service: &Service, method: &str, path: &str, body: &str) -> String {
    let host = url.trim_start_matches("http://");
    let path = path.replace("{p}", &service.project);
    let mut stream = TcpStream::connect(host).expect("a listening server");
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a timeout");
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        service.simulator.token(),
        body.len()
    )
    .expect("a writable socket");
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset && answer.is_empty() => {
            return "reset".into();
        }
        Err(error) => panic!("{error} after {} bytes", answer.len()),
    }
    String::from_utf8_lossy(&answer).into_owned()
}

const CREATE: &str = "/bim360/assets/v2/projects/b.{p}/assets:batch-create";
const LIST: &str = "/construction/assets/v2/projects/{p}/assets?limit=1";

#[test]
fn requests_over_a_socket() {
    let service = Service::new(Options::default());
    let mut served = service.simulator.serve().expect("a free port");
    let url = served.url.clone();
    let body = json!([service.asset("Air Handling", "A"), service.asset("Pumps", "P")]).to_string();
    let answer = exchange(&url, &service, "POST", CREATE, &body);
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    assert_eq!(answer.matches("\r\ndate: ").count(), 1, "{answer}");
    assert!(
        answer.contains("\r\nx-ads-request-id: ") && answer.contains("content-type: application/json\r\n")
    );
    let answer = exchange(&url, &service, "GET", LIST, "");
    assert!(
        answer.contains(&format!("\"nextUrl\":\"{url}/construction/assets/v2/")),
        "{answer}"
    );
    assert!(exchange(&url, &service, "GET", "/elsewhere", "").starts_with("HTTP/1.1 404 "));
    assert!(exchange(&url, &service, "OPTIONS", LIST, "").starts_with("HTTP/1.1 405 "));
    served.close();
    served.close();
    assert!(TcpStream::connect(url.trim_start_matches("http://")).is_err());
    assert_eq!(service.simulator.audit().assets_created, 2);
}

#[test]
fn faults_break_the_socket() {
    let service = Service::new(Options::default());
    let served = service.simulator.serve().expect("a free port");
    let body = json!([service.asset("Air Handling", "A")]).to_string();
    let under = |fault: serde_json::Value| {
        service
            .simulator
            .add_fault(Fault::from_json(&fault).expect("a fault"));
        exchange(&served.url, &service, "POST", CREATE, &body)
    };
    for (what, created) in [("refuse", 0), ("reset_before_apply", 0), ("reset_after_apply", 1)] {
        assert_eq!(under(json!({ "what": what })), "reset", "{what}");
        assert_eq!(service.simulator.audit().assets_created, created, "{what}");
    }
    let answer = under(json!({ "what": "cut_body", "bytes": 20 }));
    let (head, part) = answer.split_once("\r\n\r\n").expect("a head");
    let length = head
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.lines().next())
        .expect("a length");
    assert!(
        head.starts_with("HTTP/1.1 201 ") && length.parse::<usize>().is_ok_and(|length| length > 200),
        "{head}"
    );
    assert_eq!(part.len(), 20);
    assert_eq!(under(json!({ "what": "apply_late", "ms": 300 })), "reset");
    assert_eq!(service.simulator.audit().assets_created, 2);
    let start = Instant::now();
    while service.simulator.audit().assets_created < 3 {
        assert!(start.elapsed() < Duration::from_secs(5), "it was never done");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(exchange(&served.url, &service, "POST", CREATE, &body).starts_with("HTTP/1.1 201 "));
}

#[test]
fn a_slow_body_follows_its_head() {
    let service = Service::new(Options::default());
    let served = service.simulator.serve().expect("a free port");
    let slow = json!({ "what": "slow_body", "ms": 600 });
    service
        .simulator
        .add_fault(Fault::from_json(&slow).expect("a fault"));
    let host = served.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).expect("a listening server");
    let path = LIST.replace("{p}", &service.project);
    let token = service.simulator.token();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    )
    .expect("a writable socket");
    let start = Instant::now();
    let mut arrived = vec![0; 4096];
    let mut length = 0;
    while !String::from_utf8_lossy(&arrived[..length]).contains("\r\n\r\n") {
        length += stream.read(&mut arrived[length..]).expect("a head");
    }
    let head = start.elapsed();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("a body");
    assert!(head < Duration::from_millis(400), "{head:?}");
    assert!(
        start.elapsed() >= Duration::from_millis(600),
        "{:?}",
        start.elapsed()
    );
    assert!(String::from_utf8_lossy(&rest).ends_with("]}"));
}

#[test]
fn closing_waits_for_requests_in_flight() {
    let service = Service::new(Options::default());
    let mut served = service.simulator.serve().expect("a free port");
    let delay = json!({ "what": "delay", "ms": 300 });
    service
        .simulator
        .add_fault(Fault::from_json(&delay).expect("a fault"));
    let url = served.url.clone();
    let start = Instant::now();
    let answer = std::thread::scope(|scope| {
        let asking = scope.spawn(|| exchange(&url, &service, "GET", LIST, ""));
        while service.simulator.audit().requests == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        served.close();
        asking.join().expect("an answer")
    });
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[test]
fn an_idle_connection_does_not_keep_it_open() {
    let service = Service::new(Options::default());
    let served = service.simulator.serve().expect("a free port");
    let idle = TcpStream::connect(served.url.trim_start_matches("http://")).expect("a listening server");
    let start = Instant::now();
    drop(served);
    assert!(start.elapsed() < Duration::from_secs(3));
    drop(idle);
}
