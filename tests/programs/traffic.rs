//! Traffic for tests of replicas: a web server that ends as a good one does, and clients that count every failure.
//!
//! ```text
//! traffic serve PORT                 answers with $VERSION; /slow/N takes N seconds; /health fails after
//!                                    $UNHEALTHY_AFTER seconds; /socket is an upgraded connection that echoes lines
//! traffic load ADDRESS RATE SECONDS  RATE requests a second, half of them on connections that are kept
//! traffic slow ADDRESS SECONDS       one response that takes so long
//! traffic socket ADDRESS             an upgraded connection until the server says goodbye
//! traffic burn PORT                  a server whose every request costs a few milliseconds of CPU
//! ```

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["serve", port] => serve(port, Duration::ZERO),
        ["burn", port] => serve(port, Duration::from_millis(6)),
        ["load", address, rate, seconds] => load(address, rate, seconds),
        ["slow", address, seconds] => slow(address, seconds),
        ["socket", address] => socket(address),
        _ => Err("see the head of this program's source".into()),
    };
    if let Err(error) = done {
        println!("failed: {error}");
        std::process::exit(1);
    }
}

/// The server's state.
#[derive(Default)]
struct Server {
    ending: AtomicBool,
    open: AtomicUsize,
    burn: Duration,
}

fn serve(port: &str, burn: Duration) -> Result<(), Failure> {
    let listener = TcpListener::bind(("0.0.0.0", port.parse::<u16>()?))?;
    let server = Arc::new(Server { burn, ..Server::default() });
    let started = Instant::now();
    let mut signals = signal_hook::iterator::Signals::new([signal_hook::consts::SIGTERM])?;
    let told = Arc::clone(&server);
    let own = listener.local_addr()?;
    thread::spawn(move || {
        signals.forever().next();
        told.ending.store(true, Ordering::SeqCst);
        // The thread that accepts wakes up.
        let _ = TcpStream::connect(("127.0.0.1", own.port()));
    });
    while !server.ending.load(Ordering::SeqCst) {
        let (connection, _) = listener.accept()?;
        take(&server, connection, started);
    }
    // Those that were on their way are taken, too.
    listener.set_nonblocking(true)?;
    while let Ok((connection, _)) = listener.accept() {
        connection.set_nonblocking(false)?;
        take(&server, connection, started);
    }
    drop(listener);
    while server.open.load(Ordering::SeqCst) > 0 {
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn take(server: &Arc<Server>, connection: TcpStream, started: Instant) {
    server.open.fetch_add(1, Ordering::SeqCst);
    let server = Arc::clone(server);
    thread::spawn(move || {
        // A client that went away is its own affair.
        let _ = answer_all(&server, connection, started);
        server.open.fetch_sub(1, Ordering::SeqCst);
    });
}

/// Requests of one connection. When the server is about to end, the next answer is the last.
fn answer_all(server: &Server, connection: TcpStream, started: Instant) -> Result<(), Failure> {
    connection.set_read_timeout(Some(Duration::from_millis(200)))?;
    connection.set_nodelay(true)?;
    let mut out = connection.try_clone()?;
    let mut input = BufReader::new(connection);
    let mut patience = None;
    loop {
        let mut line = String::new();
        loop {
            match input.read_line(&mut line) {
                Ok(0) => return Ok(()),
                Ok(_) => break,
                Err(error) if is_timeout(&error) => {
                    let ending = server.ending.load(Ordering::SeqCst);
                    let since = *patience.get_or_insert_with(Instant::now);
                    if !ending {
                        patience = None;
                    } else if since.elapsed() > Duration::from_secs(3) && line.is_empty() {
                        return Ok(());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        loop {
            let mut header = String::new();
            if input.read_line(&mut header)? == 0 || header == "\r\n" {
                break;
            }
        }
        let path = line.split_whitespace().nth(1).unwrap_or("/").to_owned();
        if path == "/socket" {
            return upgraded(server, input, out);
        }
        respond(server, &mut out, &path, started)?;
        if server.ending.load(Ordering::SeqCst) {
            return Ok(());
        }
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

fn respond(server: &Server, out: &mut TcpStream, path: &str, started: Instant) -> Result<(), Failure> {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let (mut status, mut body) = ("200 OK", format!("{}\n", variable("VERSION")));
    if path == "/health" {
        let limit: u64 = variable("UNHEALTHY_AFTER").parse().unwrap_or(u64::MAX);
        if started.elapsed().as_secs() >= limit {
            (status, body) = ("503 Unwell", "unwell\n".to_owned());
        }
    }
    // CPU time, not time: a server that is throttled has as much to do.
    let used = || {
        let used = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(used.tv_sec.unsigned_abs(), u32::try_from(used.tv_nsec).unwrap_or(0))
    };
    let (begun, mut sink) = (used(), 0_u64);
    while !server.burn.is_zero() && used().saturating_sub(begun) < server.burn {
        sink = sink.wrapping_mul(31).wrapping_add(7);
        std::hint::black_box(sink);
    }
    let slow: u64 = path.strip_prefix("/slow/").and_then(|text| text.parse().ok()).unwrap_or(0);
    if slow > 0 {
        body = ".".repeat(slow as usize);
    }
    let last = if server.ending.load(Ordering::SeqCst) { "Connection: close\r\n" } else { "" };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{last}\r\n", body.len());
    if slow == 0 {
        out.write_all((head + &body).as_bytes())?;
        return Ok(());
    }
    out.write_all(head.as_bytes())?;
    for byte in body.bytes() {
        thread::sleep(Duration::from_secs(1));
        out.write_all(&[byte])?;
    }
    Ok(())
}

/// Echoes lines until the client leaves or the server is about to end, and says goodbye.
fn upgraded(server: &Server, mut input: BufReader<TcpStream>, mut out: TcpStream) -> Result<(), Failure> {
    out.write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n")?;
    let mut line = String::new();
    loop {
        match input.read_line(&mut line) {
            Ok(0) => return Ok(()),
            Ok(_) => {
                out.write_all(line.as_bytes())?;
                line.clear();
            }
            Err(error) if is_timeout(&error) => {}
            Err(error) => return Err(error.into()),
        }
        if server.ending.load(Ordering::SeqCst) {
            out.write_all(b"bye\n")?;
            out.shutdown(std::net::Shutdown::Write)?;
            // What the client still says is read, so that the kernel sends no reset.
            let mut rest = Vec::new();
            let _ = input.read_to_end(&mut rest);
            return Ok(());
        }
    }
}

/// What all clients counted.
#[derive(Default)]
struct Counts {
    requests: u64,
    retried: u64,
    failed: BTreeMap<String, u64>,
    answers: BTreeMap<String, u64>,
    slowest: Duration,
}

fn load(address: &str, rate: &str, seconds: &str) -> Result<(), Failure> {
    let (rate, seconds): (f64, u64) = (rate.parse()?, seconds.parse()?);
    let clients = (rate / 8.0).ceil().clamp(2.0, 64.0);
    let counts = Arc::new(Mutex::new(Counts::default()));
    let end = Instant::now() + Duration::from_secs(seconds);
    let pause = Duration::from_secs_f64(clients / rate);
    let clients: Vec<_> = (0..clients as u64)
        .map(|number| {
            let (address, counts) = (address.to_owned(), Arc::clone(&counts));
            thread::spawn(move || client(&address, number % 2 == 0, end, pause, &counts))
        })
        .collect();
    for client in clients {
        client.join().map_err(|_| "a client panicked")?;
    }
    let counts = counts.lock().map_err(|_| "poisoned")?;
    let list = |map: &BTreeMap<String, u64>| -> String {
        map.iter().map(|(text, count)| format!("{text:?}: {count}")).collect::<Vec<_>>().join(", ")
    };
    let failed: u64 = counts.failed.values().sum();
    println!(
        "{{\"requests\": {}, \"failed\": {failed}, \"retried\": {}, \"slowest_ms\": {}, \"answers\": {{{}}}, \"reasons\": {{{}}}}}",
        counts.requests,
        counts.retried,
        counts.slowest.as_millis(),
        list(&counts.answers),
        list(&counts.failed)
    );
    Ok(())
}

fn client(address: &str, keeps: bool, end: Instant, pause: Duration, counts: &Mutex<Counts>) {
    let mut kept: Option<BufReader<TcpStream>> = None;
    let mut next = Instant::now();
    while Instant::now() < end {
        next += pause;
        let begun = Instant::now();
        let reused = kept.is_some();
        let mut outcome = ask(address, &mut kept, keeps);
        let mut retried = 0;
        // A kept connection may be closed by the other side at any time: as every client does, once more on a new one.
        if outcome.is_err() && reused {
            retried = 1;
            kept = None;
            outcome = ask(address, &mut kept, keeps);
        }
        if let Ok(mut counts) = counts.lock() {
            counts.requests += 1;
            counts.retried += retried;
            counts.slowest = counts.slowest.max(begun.elapsed());
            match outcome {
                Ok(answer) => *counts.answers.entry(answer).or_default() += 1,
                Err(error) => {
                    kept = None;
                    *counts.failed.entry(error.to_string()).or_default() += 1;
                }
            }
        }
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

fn ask(address: &str, kept: &mut Option<BufReader<TcpStream>>, keeps: bool) -> Result<String, Failure> {
    let mut connection = match kept.take() {
        Some(connection) => connection,
        None => {
            let connection = TcpStream::connect(address)?;
            connection.set_read_timeout(Some(Duration::from_secs(30)))?;
            connection.set_nodelay(true)?;
            BufReader::new(connection)
        }
    };
    let word = if keeps { "keep-alive" } else { "close" };
    connection
        .get_mut()
        .write_all(format!("GET / HTTP/1.1\r\nHost: web\r\nConnection: {word}\r\n\r\n").as_bytes())?;
    let (length, last) = head(&mut connection)?;
    let mut body = vec![0; length];
    connection.read_exact(&mut body)?;
    if keeps && !last {
        *kept = Some(connection);
    }
    Ok(String::from_utf8_lossy(&body).trim().to_owned())
}

/// The head of a response: its length, and whether it is the connection's last.
fn head(connection: &mut BufReader<TcpStream>) -> Result<(usize, bool), Failure> {
    let mut line = String::new();
    if connection.read_line(&mut line)? == 0 {
        return Err("closed before an answer".into());
    }
    if !line.starts_with("HTTP/1.1 200") && !line.starts_with("HTTP/1.1 101") {
        return Err(line.trim().into());
    }
    let (mut length, mut last) = (0, false);
    loop {
        let mut header = String::new();
        if connection.read_line(&mut header)? == 0 {
            return Err("closed within an answer".into());
        }
        let header = header.trim().to_ascii_lowercase();
        if header.is_empty() {
            return Ok((length, last));
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
        last |= header == "connection: close";
    }
}

fn slow(address: &str, seconds: &str) -> Result<(), Failure> {
    let mut connection = BufReader::new(TcpStream::connect(address)?);
    connection
        .get_mut()
        .write_all(format!("GET /slow/{seconds} HTTP/1.1\r\nHost: web\r\n\r\n").as_bytes())?;
    let (length, _) = head(&mut connection)?;
    let mut body = vec![0; length];
    connection.read_exact(&mut body)?;
    println!("ok {length}");
    Ok(())
}

fn socket(address: &str) -> Result<(), Failure> {
    let mut connection = BufReader::new(TcpStream::connect(address)?);
    connection
        .get_mut()
        .write_all(b"GET /socket HTTP/1.1\r\nHost: web\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n")?;
    head(&mut connection)?;
    connection.get_ref().set_read_timeout(Some(Duration::from_millis(300)))?;
    let mut count = 0;
    loop {
        connection.get_mut().write_all(format!("{count}\n").as_bytes())?;
        let mut line = String::new();
        while !line.ends_with('\n') {
            match connection.read_line(&mut line) {
                Ok(0) => return Err(format!("closed without a goodbye after {count} lines").into()),
                Ok(_) => {}
                Err(error) if is_timeout(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if line == "bye\n" {
            println!("ok {count}");
            return Ok(());
        }
        count += 1;
        thread::sleep(Duration::from_millis(200));
    }
}
